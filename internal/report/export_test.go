package report

// Fold is for tests.
var Fold = fold
