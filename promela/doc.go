// Package promela writes a program and a machine's configuration as a model for Spin.
package promela
