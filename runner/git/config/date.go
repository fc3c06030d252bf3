package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The forms of dates that git-commit(1), "Date formats", promises. Git takes
// much else, down to guessing; here that is an error.
var (
	internalDate = regexp.MustCompile(`^(@?)([0-9]+)(?: ([-+][0-9]{4}))?$`)
	mailDate     = regexp.MustCompile(`^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?([0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}) ([0-9:]+)(?: ([-+][0-9]{4}))?$`)
	isoDate      = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9:]+?)(?:\.[0-9]+)? ?(Z|[-+][0-9]{2}(?::?[0-9]{2})?)?$`)
)

// parseDate reads git's own form ("1700000000 +0100", with or without a @),
// RFC 2822 and ISO 8601, whose seconds and zone may be missing. local is the
// zone of dates without one.
func parseDate(s string, local *time.Location) (time.Time, error) {
	var at time.Time
	var err error
	if m := internalDate.FindStringSubmatch(s); m != nil {
		at, err = secondsDate(m[2], m[3], m[1] == "@", local)
	} else if m := mailDate.FindStringSubmatch(s); m != nil {
		at, err = calendarDate("2 Jan 2006", m[1], m[2], m[3], local)
	} else if m := isoDate.FindStringSubmatch(s); m != nil {
		at, err = calendarDate(time.DateOnly, m[1], m[2], m[3], local)
	} else {
		err = errors.New("not of a known form (write it as 2006-01-02T15:04:05+0100)")
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("date %q: %w", s, err)
	}
	return at, nil
}

// secondsDate is a number of seconds since 1970. Without a @ before and a
// zone behind it, git takes a small number for something else.
func secondsDate(digits, zone string, marked bool, local *time.Location) (time.Time, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	at := time.Unix(n, 0).UTC()
	if !marked || zone == "" {
		if err := checkYear(at); err != nil || n < 100_000_000 {
			return time.Time{}, fmt.Errorf("seconds out of range (write @%d +0000)", n)
		}
	}
	loc, err := zoneOf(zone, at, local)
	if err != nil {
		return time.Time{}, err
	}
	return at.In(loc), nil
}

// calendarDate is a day, a time of day and perhaps a zone.
func calendarDate(layout, day, clock, zone string, local *time.Location) (time.Time, error) {
	if strings.Count(clock, ":") == 1 {
		clock += ":00"
	}
	at, err := time.Parse(layout+" "+time.TimeOnly, day+" "+clock)
	if err != nil {
		return time.Time{}, err
	}
	if err := checkYear(at); err != nil {
		return time.Time{}, err
	}
	loc, err := zoneOf(zone, at, local)
	if err != nil {
		return time.Time{}, err
	}
	if at = wallClock(at, loc); at.Unix() < 0 {
		return time.Time{}, errors.New("it is before 1970")
	}
	return at, nil
}

// checkYear keeps to the years that git's calendar knows.
func checkYear(at time.Time) error {
	if at.Year() < 1970 || at.Year() > 2099 {
		return errors.New("the year must be between 1970 and 2099")
	}
	return nil
}

// wallClock is the time at which clocks in loc show what at shows.
func wallClock(at time.Time, loc *time.Location) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, loc)
}

// zoneOf reads a zone: Z, +hh, +hhmm or +hh:mm. "" is the one in force in
// local when clocks there show what at shows, which git takes for seconds
// since 1970 too.
func zoneOf(zone string, at time.Time, local *time.Location) (*time.Location, error) {
	if zone == "" {
		_, offset := wallClock(at, local).Zone()
		return time.FixedZone("", offset), nil
	}
	digits := strings.ReplaceAll(strings.TrimLeft(zone, "+-Z"), ":", "")
	digits += "0000"[len(digits):]
	n, err := strconv.Atoi(digits)
	if err != nil || n/100 > 23 || n%100 > 59 {
		return nil, fmt.Errorf("%q is no time zone", zone)
	}
	offset := (n/100*60 + n%100) * 60
	if zone[0] == '-' {
		offset = -offset
	}
	return time.FixedZone("", offset), nil
}
