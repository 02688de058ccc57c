-- KEYS lane, inbox, items, due, journal, tries, park. ARGV lane, channel, partition, generation, fence, operation,
-- lease ms, "1" to release, due ms or "", state, "1" with journal, journal, number parked, then id and record of each
-- parked, then the handled ids.
-- 1 written (now, or by the same operation before), 0 when the lease is lost.
local lane = redis.call('HMGET', KEYS[1], 'generation', 'fence', 'operation', 'forward', 'settled')
local mine = lane[1] == ARGV[4] and lane[2] == ARGV[5]
local repeated = lane[3] == ARGV[6]
if not mine then
  return repeated and 1 or 0
end
if not repeated then
  local first_handled = 14 + 2 * tonumber(ARGV[13])
  for i = 14, first_handled - 1, 2 do
    redis.call('HSET', KEYS[7], ARGV[i], ARGV[i + 1])
  end
  for i = first_handled, #ARGV do
    redis.call('LREM', KEYS[2], 1, ARGV[i])
    redis.call('HDEL', KEYS[3], ARGV[i])
  end
  redis.call('HSET', KEYS[1], 'operation', ARGV[6])
  if ARGV[10] == '' then
    redis.call('HDEL', KEYS[1], 'state')
  else
    redis.call('HSET', KEYS[1], 'state', ARGV[10])
  end
  if ARGV[11] == '1' then
    redis.call('XADD', KEYS[5], '*', 'entry', ARGV[12])
  end
end
local now = now_ms()
if ARGV[8] ~= '1' then
  local until_ms = whole(now + tonumber(ARGV[7]))
  redis.call('HSET', KEYS[1], 'until', until_ms)
  redis.call('ZADD', KEYS[4], until_ms, ARGV[1])
  return 1
end
-- Only who gives it back has done all that was due; before that, what fails may still come.
clear_tries(KEYS[1], KEYS[6], ARGV[1])
local at = nil
if redis.call('LLEN', KEYS[2]) > 0 or (lane[4] and not lane[5]) then
  at = now
elseif ARGV[9] ~= '' then
  at = tonumber(ARGV[9])
end
let_go(KEYS[1], KEYS[4], ARGV[1], at, now, ARGV[2], ARGV[3])
return 1
