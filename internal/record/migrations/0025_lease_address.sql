-- Where the owner of a shard is found, so that whoever has the database needs no address.
alter table adze.shard_lease add column address text not null default '';
