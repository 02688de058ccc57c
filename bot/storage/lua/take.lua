-- KEYS lane, inbox, items, due, generation, fence, tries. ARGV lane, lease ms, random word, most items, holder.
-- {1, generation, fence, until, now, state, ids, payloads, tries, failure, ms overdue, others due}; {0} not due any more; {2, target} a forward to settle.
local now = now_ms()
local score = redis.call('ZSCORE', KEYS[4], ARGV[1])
if not score or tonumber(score) > now then
  return {0}
end
local lane = redis.call('HMGET', KEYS[1], 'until', 'forward', 'settled', 'state', 'failure')
if held(lane[1], now) then
  redis.call('ZADD', KEYS[4], lane[1], ARGV[1])
  return {0}
end
if lane[2] then
  if lane[3] then
    redis.call('ZREM', KEYS[4], ARGV[1])
    return {0}
  end
  return {2, lane[2]}
end
-- A counter alone starts again after an empty Redis, and an old worker's 7 would beat a new 3.
redis.call('SET', KEYS[5], ARGV[3], 'NX')
local generation = redis.call('GET', KEYS[5])
local fence = redis.call('INCR', KEYS[6])
local until_ms = now + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'generation', generation, 'fence', fence, 'until', whole(until_ms),
  'holder', ARGV[5])
redis.call('HDEL', KEYS[1], 'knocked')
-- Counted here and not where it fails: an attempt that kills its worker counts too.
local tries = redis.call('HINCRBY', KEYS[7], ARGV[1], 1)
-- A dead worker's lane comes back by itself when this score is reached.
redis.call('ZADD', KEYS[4], whole(until_ms), ARGV[1])
local ids = redis.call('LRANGE', KEYS[2], 0, tonumber(ARGV[4]) - 1)
local payloads = {}
if #ids > 0 then
  payloads = redis.call('HMGET', KEYS[3], unpack(ids))
end
local others = #redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', whole(now), 'LIMIT', 0, 1)
return {1, generation, fence, until_ms, now, lane[4], ids, payloads, tries, lane[5] or '', now - tonumber(score), others}
