package prove

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner/project"
	"chant/spec"
)

const redCheck = "\n## Acceptance Criteria\n\n- [x] Fails\n  ```sh check expect=fail match=lost\n  sh t.sh\n  ```\n"

func TestPairs(t *testing.T) {
	t.Parallel()
	var specs []*spec.Spec
	for path, text := range map[string]string{
		".chant/specs/001.md": "---\nstatus: completed\n---\n",
		".chant/specs/002.md": "---\nstatus: completed\ndepends_on: 001\n---\n" + redCheck,
		".chant/specs/003.md": "---\nstatus: completed\ntype: code\ntarget_files: x\ndepends_on: 002\n---\n",
		".chant/specs/004.md": "---\nstatus: completed\nphase: fix\ndepends_on: 003\n---\n",
		".chant/specs/005.md": "---\nphase: fix\ndepends_on: 004\n---\n",
		".chant/specs/006.md": "---\nstatus: completed\nphase: fix\n---\n",
		".chant/specs/102.md": "---\nstatus: completed\n---\n" + redCheck,
		".chant/specs/103.md": "---\nstatus: completed\ntype: code\ntarget_files: x\ndepends_on: 102\n---\n",
		".chant/specs/104.md": "---\nstatus: completed\ntype: research\ntarget_files: x\ndepends_on: 103\n---\n",
		".chant/specs/105.md": "---\nstatus: completed\nphase: upstream\ntype: code\ntarget_files: x\ndepends_on: 102\n---\n",
		".chant/specs/106.md": "---\nstatus: completed\nphase: repair\ntype: code\ntarget_files: x\ndepends_on: 102\n---\n",
		".chant/specs/202.md": "---\nstatus: pending\n---\n" + redCheck,
		".chant/specs/302.md": "---\nstatus: completed\n---\n" + redCheck,
		".chant/specs/303.md": "---\nphase: Fix\ndepends_on: 302\n---\n",
	} {
		s, _ := spec.Parse(path, []byte(text))
		specs = append(specs, s)
	}
	set := spec.NewSet(specs)
	nothing := func(err error) bool { return errors.Is(err, ErrNothingToProve) }
	for _, tt := range []struct {
		reproduction, fix string
		unfinished        bool
		want              []string
		fails             func(error) bool
	}{
		{"", "", false, []string{"002>004", "102>103", "102>106"}, nil},
		{"", "", true, []string{"002>004", "002>005", "102>103", "102>106", "302>303"}, nil},
		{"002", "", false, []string{"002>004"}, nil},
		{"002", "003", false, []string{"002>003"}, nil},
		{"02", "", false, nil, func(err error) bool { _, ok := errors.AsType[*spec.AmbiguousError](err); return ok }},
		{"302", "", false, nil, nothing},
		{"302", "", true, []string{"302>303"}, nil},
		{"302", "303", false, []string{"302>303"}, nil},
		{"001", "", false, nil, isUsage},
		{"001", "004", false, nil, isUsage},
		{"002", "006", false, nil, isUsage},
		{"002", "002", false, nil, isUsage},
		{"202", "", false, nil, nothing},
		{"404", "", false, nil, func(err error) bool { _, ok := errors.AsType[*spec.NotFoundError](err); return ok }},
	} {
		list, err := pairs(set, tt.reproduction, tt.fix, tt.unfinished)
		if tt.fails != nil {
			if err == nil || !tt.fails(err) {
				t.Errorf("%q %q: got error %v", tt.reproduction, tt.fix, err)
			}
			continue
		}
		var got []string
		for _, p := range list {
			got = append(got, p.name())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%q %q: error %v (-want +got):\n%s", tt.reproduction, tt.fix, err, diff)
		}
	}
}

func TestProving(t *testing.T) {
	t.Parallel()
	s := func(id string) *spec.Spec { return &spec.Spec{ID: id} }
	one, other := pair{s("002"), s("005")}, pair{s("102"), s("105")}
	env, err := withProving([]string{"A=b"}, one)
	if err != nil {
		t.Fatal(err)
	}
	if env, err = withProving(env, other); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A=b", "CHANT_PROVING=002>005", "CHANT_PROVING=002>005/102>105"}, env); diff != "" {
		t.Errorf("in progress (-want +got):\n%s", diff)
	}
	if _, err := withProving(env, one); !errors.Is(err, ErrProving) {
		t.Errorf("a proof that asks for itself: got error %v", err)
	}
}

func isUsage(err error) bool {
	_, ok := errors.AsType[*project.UsageError](err)
	return ok
}
