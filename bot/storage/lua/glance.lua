-- KEYS lane, inbox, seen, due, tries. ARGV lane. Reads only. {waiting, ms the first has waited or -1, holder or "",
-- ms the lease has left, ms until it is due, tries, failure or ""}; {} when it is not due at all.
local now = now_ms()
local due = redis.call('ZSCORE', KEYS[4], ARGV[1])
if not due then
  return {}
end
local lane = redis.call('HMGET', KEYS[1], 'until', 'holder', 'failure')
local left = held(lane[1], now) and tonumber(lane[1]) - now or 0
local first = redis.call('LINDEX', KEYS[2], 0)
local came = first and redis.call('ZSCORE', KEYS[3], first)
return {
  redis.call('LLEN', KEYS[2]), came and now - tonumber(came) or -1, left > 0 and lane[2] or '', left,
  tonumber(due) - now, tonumber(redis.call('HGET', KEYS[5], ARGV[1]) or '0'), lane[3] or ''
}
