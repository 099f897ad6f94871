package ir_test

var errorCases = []struct{ name, src, want string }{}
