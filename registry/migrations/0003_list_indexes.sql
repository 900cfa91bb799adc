-- breaking: no
-- list of what a namespace served. Without it a page of a team with few calls, or none, is read out of everybody's rows:
-- 490 ms among 1.2 M operations, and growing with the mesh; with it 0.6 ms. It costs an insert 7 µs (34 to 41)
-- and 115 B of WAL. The namespace's endpoints in turn would leave out what a deleted one served.
create index operation_owner on operation (owner_ns, id);
-- one callback by its id, the list of all of them (169 ms among 300,000 parked ones, now 0.1 ms), and their retention
create index callback_id on callback (id, url_hash);
