// Package upgrade keeps databases of earlier releases, and shows that this one
// takes over what they have begun: nothing is booked twice and nothing is
// forgotten, whatever state a booking was in when the earlier worker ended.
//
// A fixture is recorded from the code of its release, never written by hand, and
// never recorded anew once that release is out. It speaks to the code under test
// through the activities that workflows name, so that it outlives the tables.
package upgrade
