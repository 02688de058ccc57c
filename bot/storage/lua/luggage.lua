-- KEYS lane, inbox, items, seen. What travels: {1, target, ids, payloads, seen ids with times}.
-- {0} when there is nothing to move, or a holder has to let go first.
local lane = redis.call('HMGET', KEYS[1], 'forward', 'settled', 'until')
if not lane[1] or lane[2] or held(lane[3], now_ms()) then
  return {0}
end
local ids = redis.call('LRANGE', KEYS[2], 0, -1)
local payloads = {}
for i, id in ipairs(ids) do
  payloads[i] = redis.call('HGET', KEYS[3], id)
end
return {1, lane[1], ids, payloads, redis.call('ZRANGE', KEYS[4], 0, -1, 'WITHSCORES')}
