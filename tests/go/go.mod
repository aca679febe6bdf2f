module libcors.example/crossorigin

go 1.25.0
