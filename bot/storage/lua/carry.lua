-- KEYS lane, inbox, items, seen, due (all of the target). ARGV lane, channel, partition, keep ms, number of seen ids,
-- then seen id and time in turns, then item id and payload in turns.
-- {1} done, {2, next} when the target has moved on itself. Done twice is the same: the target drops what it has seen.
local lane = redis.call('HMGET', KEYS[1], 'forward', 'settled', 'until')
if lane[1] and lane[2] then
  return {2, lane[1]}
end
local now = now_ms()
local keep = tonumber(ARGV[4])
local first_item = 6 + 2 * tonumber(ARGV[5])
for i = 6, first_item - 1, 2 do
  if tonumber(ARGV[i + 1]) > now - keep then
    redis.call('ZADD', KEYS[4], 'GT', ARGV[i + 1], ARGV[i])
  end
end
if redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('PEXPIRE', KEYS[4], whole(keep))
end
local fresh = false
for i = first_item, #ARGV, 2 do
  fresh = append(KEYS[2], KEYS[3], KEYS[4], ARGV[i], ARGV[i + 1], now, keep) or fresh
end
if fresh then
  knock(KEYS[1], KEYS[5], ARGV[1], lane[3], now, ARGV[2], ARGV[3])
end
return {1}
