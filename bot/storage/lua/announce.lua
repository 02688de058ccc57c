-- KEYS lane, due, inbox, seen. ARGV lane, channel, partition, target.
-- Say that the lane is to move. It stands for itself until `settle`; being due, any worker finishes what this one began.
-- 1 something is to travel first; 0 nothing is: the lane has moved already, or has never been used and moves at once.
local lane = redis.call('HMGET', KEYS[1], 'forward', 'settled', 'until')
if lane[1] == ARGV[4] and lane[2] then
  return 0
end
local unused = redis.call('EXISTS', KEYS[1], KEYS[3], KEYS[4]) == 0
redis.call('HSET', KEYS[1], 'forward', ARGV[4])
if unused then
  redis.call('HSET', KEYS[1], 'settled', '1')
  return 0
end
redis.call('HDEL', KEYS[1], 'settled')
local now = now_ms()
knock(KEYS[1], KEYS[2], ARGV[1], lane[3], now, ARGV[2], ARGV[3])
return 1
