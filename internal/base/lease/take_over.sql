-- Makes a process the owner of a shard under the next epoch. From then on every
-- batch under an earlier epoch is refused (adze.fence).
-- Writes: adze.shard_lease. Locks: the row; the caller holds the shard's advisory
-- lock exclusively, so that no batch is under way.
-- Bound: one row.
insert into adze.shard_lease (
    shard,
    epoch,
    owner,
    address,
    renewed_at
)
values ($1, 1, $2, $3, clock_timestamp())
on conflict (shard) do update
set
    epoch = shard_lease.epoch + 1,
    owner = excluded.owner,
    address = excluded.address,
    renewed_at = excluded.renewed_at
returning epoch
