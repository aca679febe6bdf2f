// One name below jub0bs/cors: else Go would not let the program call the
// parser and the tree that make the decision, which are internal.
module github.com/jub0bs/cors/peers

go 1.25.0

require (
	github.com/jub0bs/cors v1.0.2
	libcors.example/peers v0.0.0
)

require (
	golang.org/x/net v0.53.0 // indirect
	golang.org/x/text v0.36.0 // indirect
)

replace libcors.example/peers => ../
