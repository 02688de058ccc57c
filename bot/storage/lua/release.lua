-- KEYS lane, due, tries. ARGV lane, channel, partition, generation, fence, due in ms, failure or "". 1, or 0 when the lease is lost.
local lane = redis.call('HMGET', KEYS[1], 'generation', 'fence', 'knocked', 'forward', 'settled')
if lane[1] ~= ARGV[4] or lane[2] ~= ARGV[5] then
  return 0
end
local now = now_ms()
local at = now + tonumber(ARGV[6])
local failed = ARGV[7] ~= ''
-- After a failure what came meanwhile waits as well: it would be the same attempt again, at once.
if (lane[3] and not failed) or (lane[4] and not lane[5]) then
  at = now
end
if failed then
  redis.call('HSET', KEYS[1], 'failure', ARGV[7])
else
  clear_tries(KEYS[1], KEYS[3], ARGV[1])
end
let_go(KEYS[1], KEYS[2], ARGV[1], at, now, ARGV[2], ARGV[3])
return 1
