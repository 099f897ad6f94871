package debian

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// Release is an upstream release of Linux. Point is -1 if it stands for the
// newest of its point releases.
type Release struct{ Major, Minor, Point int }

var releaseText = regexp.MustCompile(`^([0-9]{1,3})\.([0-9]{1,4})(?:\.([0-9]{1,5}))?$`)

// ParseRelease reads a release: 6.12 or 6.12.107.
func ParseRelease(text string) (Release, error) {
	m := releaseText.FindStringSubmatch(text)
	if m == nil {
		return Release{}, fmt.Errorf("kernel %q is no release: wanted is one like 6.12 or 6.12.107", text)
	}
	r := Release{Point: -1}
	r.Major, _ = strconv.Atoi(m[1])
	r.Minor, _ = strconv.Atoi(m[2])
	if m[3] != "" {
		r.Point, _ = strconv.Atoi(m[3])
	}
	if r.compare(Release{4, 18, -1}) < 0 {
		return Release{}, fmt.Errorf("kernel %s has no restartable sequences: 4.18 was the first", text)
	}
	return r, nil
}

// whole reports whether r is one release.
func (r Release) whole() bool { return r.Point >= 0 }

// has reports whether r is other or stands for it.
func (r Release) has(other Release) bool {
	return r.Major == other.Major && r.Minor == other.Minor && (r.Point < 0 || r.Point == other.Point)
}

func (r Release) compare(other Release) int {
	return cmp.Or(cmp.Compare(r.Major, other.Major), cmp.Compare(r.Minor, other.Minor), cmp.Compare(r.Point, other.Point))
}

// String returns what ParseRelease takes.
func (r Release) String() string {
	if !r.whole() {
		return fmt.Sprintf("%d.%d", r.Major, r.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", r.Major, r.Minor, r.Point)
}
