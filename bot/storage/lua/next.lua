-- KEYS due. The lane that has been due longest, or false. Reads only: the name is needed to name the keys of `take`.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now_ms()), 'LIMIT', 0, 1)[1]
