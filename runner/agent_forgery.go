package runner

import (
	"slices"

	"chant/spec"
)

// forgery names what is says of its completion and was did not; "" where
// nothing of it is new.
func forgery(was, is *spec.Spec) string {
	switch {
	case is.Status != was.Status && is.Status == spec.StatusCompleted, !is.CompletedAt.Equal(was.CompletedAt):
		return "a completion"
	case !slices.Equal(is.Commits, was.Commits):
		return "commits"
	case !slices.Equal(is.Attested, was.Attested):
		return "an attestation"
	case is.Approval != was.Approval && (is.Approval.Status != "" || was.Approval.Required):
		return "another approval"
	case is.Skipped != was.Skipped && is.Skipped.Reason != "":
		return "a reason to skip it"
	case slices.ContainsFunc(is.Criteria, func(c spec.Criterion) bool { return c.Ticked && !tickedIn(was, c.Text) }):
		return "a tick"
	}
	return ""
}

// born names what a new spec says of its completion; "" where it says nothing.
func born(s *spec.Spec) string { return forgery(&spec.Spec{}, s) }

func tickedIn(s *spec.Spec, text string) bool {
	return slices.ContainsFunc(s.Criteria, func(c spec.Criterion) bool { return c.Ticked && c.Text == text })
}

// sameMeta compares two frontmatters by what they say, wherever it stands.
func sameMeta(a, b spec.Meta) bool {
	sameItems := func(a, b []spec.Item) bool {
		return slices.EqualFunc(a, b, func(a, b spec.Item) bool { return a.Value == b.Value })
	}
	return a.Type == b.Type && a.Phase == b.Phase && a.Status == b.Status &&
		sameItems(a.DependsOn, b.DependsOn) && sameItems(a.TargetFiles, b.TargetFiles) && sameItems(a.InformedBy, b.InformedBy) &&
		a.Prompt == b.Prompt && a.Model == b.Model && a.Agent == b.Agent &&
		slices.Equal(a.Labels, b.Labels) && slices.Equal(a.Commits, b.Commits) && a.CompletedAt.Equal(b.CompletedAt) &&
		a.Approval == b.Approval && a.Skipped == b.Skipped && slices.Equal(a.Attested, b.Attested)
}
