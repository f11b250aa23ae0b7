// Package deploytest holds the tests of what is deployed: the container image,
// docker-compose.yml with the files it mounts, and the scripts of docs/ and
// deploy/. It checks what can be checked without a container engine.
//
// It must never need one, nor the internet, and it is only tests.
package deploytest
