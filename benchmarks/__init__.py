"""What headway costs, measured: `make bench` runs all of it, docs/performance.md shows the results.

steps     durable steps that do nothing, on SQLite and PostgreSQL, beside the bare event loop
chain     the whole chain against the emulator, beside plain scripts that send the same requests   plain
peers     the same ten steps on DBOS, Restate and Prefect                                           peers/
growth    batches of 100 to 100,000 sources                                                         double
pacing    a token bucket, Retry-After and --rate                                                    double
render    results as tables and a plot
"""
