-- A text in lower case, whatever script it is in. `lower` does that by the database's locale, and under C it knows
-- ASCII only: then by the first of these collations that this server has.
DO $$
DECLARE
    found text;
BEGIN
    IF lower('ÄЖ') <> 'äж' THEN
        SELECT collname INTO found FROM pg_collation
        WHERE collname IN ('pg_c_utf8', 'und-x-icu', 'C.UTF-8', 'C.utf8', 'en_US.UTF-8', 'en_US.utf8')
            AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
        ORDER BY array_position(
            ARRAY['pg_c_utf8', 'und-x-icu', 'C.UTF-8', 'C.utf8', 'en_US.UTF-8', 'en_US.utf8'], collname::text
        )
        LIMIT 1;
    END IF;
    EXECUTE format(
        'CREATE FUNCTION folded(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
         AS $body$ SELECT lower(words %s) $body$',
        CASE WHEN found IS NULL THEN '' ELSE format('COLLATE %I', found) END
    );
END
$$;
