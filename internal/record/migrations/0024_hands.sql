-- A row no longer names the hand of workers that its key was dealt when it came: its queue
-- says that, as it works now.
update adze.open_task
set queue = case
    when queue like '% {"Queue":"%","Action":"%","Slots":null,"Labels":null,"Worker":0,"Spread":%,"Batch":null}'
        and substr(queue, strpos(queue, ' ') + 1)::json ->> 'Queue' in ('', split_part(queue, ' ', 1))
        then split_part(queue, ' ', 1)
    else regexp_replace(queue, '"Spread":[0-9]+,"Batch"', '"Spread":0,"Batch"')
end
where queue ~ '^[^@].* \{.*"Spread":[1-9][0-9]*,"Batch"';
