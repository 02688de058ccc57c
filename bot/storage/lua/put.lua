-- KEYS lane, inbox, items, seen, due. ARGV lane, channel, partition, keep ms, item id, payload.
-- {1} appended, {0} repeat, {2, target} when the lane has moved: put it there.
local lane = redis.call('HMGET', KEYS[1], 'forward', 'settled', 'until')
if lane[1] and lane[2] then
  return {2, lane[1]}
end
local now = now_ms()
if not append(KEYS[2], KEYS[3], KEYS[4], ARGV[5], ARGV[6], now, tonumber(ARGV[4])) then
  return {0}
end
knock(KEYS[1], KEYS[5], ARGV[1], lane[3], now, ARGV[2], ARGV[3])
return {1}
