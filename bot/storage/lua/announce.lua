-- KEYS lane, due. ARGV lane, channel, partition, target.
-- Say that the lane is to move. It stands for itself until `settle`; being due, any worker finishes what this one began.
local lane = redis.call('HMGET', KEYS[1], 'forward', 'settled', 'until')
if lane[1] == ARGV[4] and lane[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'forward', ARGV[4])
redis.call('HDEL', KEYS[1], 'settled')
local now = now_ms()
knock(KEYS[1], KEYS[2], ARGV[1], lane[3], now, ARGV[2], ARGV[3])
return 1
