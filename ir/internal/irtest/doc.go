// Package irtest generates programs for property tests.
//
// Every program that [Program] draws is in canonical form and links on every
// architecture: what it is made of is drawn from what it declares.
package irtest
