// Package failover takes the primary away from a highly available PostgreSQL:
// Patroni and etcd from Debian's packages, each machine a network namespace. It runs
// by name only (./check failover), for it needs root and installs them.
package failover
