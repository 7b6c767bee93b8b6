/* Proves: a sleeping sender is woken however its tickets come back: by completions or a recall. */
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two senders sleep, each on its own doorbell. One receiver has a ticket of each, on two rings, and
 * completes both in one burst (fido_rxq_complete, give_back() of the driver). The first sender also
 * has a ticket out with a peer that has died; the control thread recalls it (recall() in
 * link_ring.c) and rings the sender's own doorbell, which nothing else rings for it.
 *
 * The machine has store buffers, as in sleep.pml. The queue's lock orders arming and recalling: the
 * mark and `armed` are plain words under it. A close, drop, reset or stop returns tickets as a
 * burst of completions.
 *
 * A lost wake-up is an end state: no process can take a step, and a sender lacks a ticket.
 *
 * right: -- each written ring is checked, a recall rings, arming sees recalled tickets
 * broken last-ring-only: -DLAST_ONLY -- the burst rings the sender of the last ring only
 * broken silent-recall: -DSILENT -- a recall marks, but does not ring
 * broken arming-forgets-recalled: -DFORGETS -- arming checks the rings only
 * broken recall-without-lock: -DNO_LOCK -- marks without the lock, rings only a sleeper
 */

#define SENDERS 2
#define RECEIVER 2 /* its store buffer */

byte completed[SENDERS]; /* in the receiver's memory */
byte armed[SENDERS];     /* in each sender's memory */
bool asleep[SENDERS];    /* under the queue's lock: the sender has armed */
bool recalled;           /* likewise */
bool bell[SENDERS];
bool lock[SENDERS];
chan store_buffer[3] = [3] of { bool, byte, byte }; /* a completion or `armed`, whose, value */

#define store(who, is_completion, whose, value) store_buffer[who]!is_completion, whose, value
#define fence(who) empty(store_buffer[who])
#define take(s) atomic { !lock[s] -> lock[s] = true }
#define release(s) lock[s] = false

proctype drain(byte who)
{
	bool is_completion;
	byte whose, value;
end:
	do
	:: atomic {
		store_buffer[who]?is_completion, whose, value ->
		if
		:: is_completion -> completed[whose] = value
		:: else -> armed[whose] = value
		fi;
		is_completion = false; whose = 0; value = 0
	   }
	od
}

inline wake(s)
{
	fence(RECEIVER);
	if
	:: armed[s] != 0 -> bell[s] = true
	:: armed[s] == 0
	fi
}

proctype receiver()
{
	store(RECEIVER, true, 0, 1);
#ifndef LAST_ONLY
	wake(0);
#endif
	store(RECEIVER, true, 1, 1);
	wake(1)
}

proctype control()
{
#ifdef NO_LOCK
	bool sleeps = asleep[0];

	recalled = true;
	if
	:: sleeps -> bell[0] = true
	:: !sleeps
	fi
#else
	take(0);
	recalled = true;
#ifndef SILENT
	bell[0] = true;
#endif
	release(0)
#endif
}

/* Waits for `all` tickets: of its ring, and recalled ones. */
proctype sender(byte me; byte all)
{
	byte have = 0;
	bool got_ring = false, got_recalled = false, pending;

	do
	:: have == all -> break
	:: have != all ->
		if
		:: !got_ring && completed[me] != 0 -> got_ring = true; have++
		:: me == 0 && !got_recalled && recalled -> got_recalled = true; have++
		:: (got_ring || completed[me] == 0) && (me != 0 || got_recalled || !recalled) ->
			take(me);
			store(me, false, me, 1);
			asleep[me] = true;
			fence(me);
			pending = !got_ring && completed[me] != 0;
#ifndef FORGETS
			pending = pending || (me == 0 && !got_recalled && recalled);
#endif
			release(me);
			if
			:: pending
			:: !pending -> bell[me] /* blocks until it is rung */
			fi;
			take(me);
			store(me, false, me, 0);
			asleep[me] = false;
			release(me);
			bell[me] = false;
			pending = false
		fi
	od
}

init
{
	atomic {
		run drain(0); run drain(1); run drain(RECEIVER);
		run receiver(); run control(); run sender(0, 2); run sender(1, 1)
	}
}
