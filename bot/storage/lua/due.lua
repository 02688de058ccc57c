-- KEYS due, of any number of partitions. Which of them (from 1) hold a lane that is due now.
local now = now_ms()
local found = {}
for i, key in ipairs(KEYS) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] and tonumber(first[2]) <= now then
    found[#found + 1] = i
  end
end
return found
