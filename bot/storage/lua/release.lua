-- KEYS lane, due. ARGV lane, channel, partition, generation, fence, due in ms. 1, or 0 when the lease is lost.
local lane = redis.call('HMGET', KEYS[1], 'generation', 'fence', 'knocked', 'forward', 'settled')
if lane[1] ~= ARGV[4] or lane[2] ~= ARGV[5] then
  return 0
end
local now = now_ms()
local at = now + tonumber(ARGV[6])
if lane[3] or (lane[4] and not lane[5]) then
  at = now
end
let_go(KEYS[1], KEYS[2], ARGV[1], at, now, ARGV[2], ARGV[3])
return 1
