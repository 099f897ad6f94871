package abi_test

import (
	"testing"

	"github.com/rseqemu/rseqemu/abi"
)

func TestFeatureSize(t *testing.T) {
	tests := []struct {
		major, minor int
		size, align  uint32
		layout       abi.Layout
	}{
		{4, 17, 0, 0, abi.LayoutOriginal},
		{4, 18, 0, 0, abi.LayoutOriginal},
		{5, 10, 0, 0, abi.LayoutOriginal},
		{5, 19, 0, 0, abi.LayoutOriginal},
		{6, 0, 0, 0, abi.LayoutOriginal},
		{6, 1, 0, 0, abi.LayoutOriginal},
		{6, 2, 0, 0, abi.LayoutOriginal},
		{6, 3, 28, 32, abi.LayoutMMCID},
		{6, 12, 28, 32, abi.LayoutMMCID},
		{6, 18, 28, 32, abi.LayoutMMCID},
		{6, 19, 28, 32, abi.LayoutMMCID},
		{7, 0, 33, 64, abi.LayoutSlice},
		{7, 3, 33, 64, abi.LayoutSlice},
		{8, 0, 33, 64, abi.LayoutSlice},
		{0, 0, 0, 0, abi.LayoutOriginal},
		{-1, -1, 0, 0, abi.LayoutOriginal},
	}
	for _, tt := range tests {
		size, align := abi.FeatureSize(tt.major, tt.minor)
		if size != tt.size || align != tt.align {
			t.Errorf("%d.%d: got size %d, align %d, want %d, %d", tt.major, tt.minor, size, align, tt.size, tt.align)
		}
		if l := abi.LayoutOf(tt.major, tt.minor); l != tt.layout {
			t.Errorf("%d.%d: got layout %v, want %v", tt.major, tt.minor, l, tt.layout)
		}
	}
}

func TestLayout(t *testing.T) {
	tests := []struct {
		layout      abi.Layout
		name        string
		size, align int
		valid       bool
	}{
		{abi.LayoutOriginal, "4.18", 20, 32, true},
		{abi.LayoutMMCID, "6.3", 28, 32, true},
		{abi.LayoutSlice, "7.0", 33, 64, true},
		{abi.LayoutSlice + 1, "layout 3", 0, 0, false},
		{255, "layout 255", 0, 0, false},
	}
	for _, tt := range tests {
		if got := tt.layout.String(); got != tt.name {
			t.Errorf("layout %d: got name %q, want %q", uint8(tt.layout), got, tt.name)
		}
		if got := tt.layout.Size(); got != tt.size {
			t.Errorf("%v: got size %d, want %d", tt.layout, got, tt.size)
		}
		if got := tt.layout.Align(); got != tt.align {
			t.Errorf("%v: got align %d, want %d", tt.layout, got, tt.align)
		}
		if got := tt.layout.Valid(); got != tt.valid {
			t.Errorf("%v: got valid %v, want %v", tt.layout, got, tt.valid)
		}
	}
	if got, want := abi.RSeqOrigSize, 32; got != want {
		t.Errorf("got original size %d, want %d", got, want)
	}
}
