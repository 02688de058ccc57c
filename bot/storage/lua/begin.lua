-- KEYS journal. ARGV id. The next entry gets a greater id; a journal that is further on already is left alone.
local made = redis.pcall('XADD', KEYS[1], ARGV[1], 'entry', '')
if type(made) ~= 'table' then
  redis.call('XDEL', KEYS[1], made)
end
