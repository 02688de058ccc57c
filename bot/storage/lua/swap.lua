-- KEYS value, transitions. ARGV what was read ("" for nothing), the new value, "1" with transition, transition, most kept.
-- 1 written, 0 when somebody wrote meanwhile.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[3] == '1' then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*', 'transition', ARGV[4])
end
return 1
