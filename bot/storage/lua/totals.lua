-- KEYS due, tries, park (of one partition). Reads only. {due now, ms the first is overdue, failing, parked}.
local now = now_ms()
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local failing = 0
for _, tries in ipairs(redis.call('HVALS', KEYS[2])) do
  if tonumber(tries) > 1 then
    failing = failing + 1
  end
end
return {
  redis.call('ZCOUNT', KEYS[1], '-inf', whole(now)), first[2] and math.max(now - tonumber(first[2]), 0) or 0,
  failing, redis.call('HLEN', KEYS[3])
}
