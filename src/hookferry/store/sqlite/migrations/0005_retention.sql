-- Events whose payloads outlived their retention because they still waited: they go once they do not.
create table left_payloads (
    seq integer primary key
);
