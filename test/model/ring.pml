/* Proves: no descriptor or completion is overwritten unread or read stale (I1 to I6). */
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * There is no consumer index. A queue of <fido/queue_shm.h>: bursts of descriptors, the first of
 * each published last; completions in any order, each of a run of tickets. Both ends go on for
 * ever.
 *
 * Laps are counted modulo LAPS, and positions modulo N * LAPS. In the code LAPS is 65536; here it
 * is 2, to keep the states few. The argument is the same: a place in a ring holds the expected lap
 * or the one before it (I3, I4), so a lap need only differ from the one before. Two laps are the
 * hardest case: whatever is stale by two laps looks valid here, while 65536 would hide it. Memory
 * starts as zero and laps at 1 (I5).
 *
 * The sender's stores reach memory in any order (on_way); a release (R2) waits for those before it,
 * and may itself be passed by later ones. A load of the receiver that A2 does not hold back may be
 * made early. The receiver's one kind of store, a completion word, is seen at once; R3 keeps the
 * reading of the buffer before it.
 *
 * right: -O2 -- bursts of one to three
 * broken extra-ticket: -DTICKETS=5 -- more than N tickets are out (I1)
 * broken completes-unread: -DCOMPLETES_UNREAD -- completes before reading in turn (I2)
 * broken no-lap: -DLAPS=1 -- a place looks the same in each lap
 * broken laps-from-zero: -DFIRST_LAP=0 -- zeroed memory is a valid first lap (I5)
 * broken completes-twice: -DCOMPLETES_TWICE -- completes a ticket that is not out (I4, I6)
 * broken first-not-last: -DFIRST_NOT_LAST -- publishes the burst's first descriptor first
 * broken no-r2: -DNO_R2 -- the first descriptor is seen before the rest of the burst
 * broken no-a2: -DNO_A2 -- the descriptor is read before its lap
 * broken no-r3: -DNO_R3 -- the completion is seen while the buffer is still being read
 */

#define N 4
#define BURST 3
#ifndef LAPS
#define LAPS 2
#endif
#ifndef TICKETS
#define TICKETS N
#endif
#ifndef FIRST_LAP
#define FIRST_LAP 1
#endif

#define place(pos) ((pos) % N)
#define lap(pos) (((pos) / N + FIRST_LAP) % LAPS)
#define next(pos) pos = (pos + 1) % (N * LAPS)

/* The sender's memory: of w0, the address, only its lap. */
byte desc_w0[N];
byte desc_lap[N];
byte desc_ticket[N];
/* Stores under way to it. */
bool w0_on_way[N];
bool w1_on_way[N];
byte w0_value[N];
byte w1_lap[N];
byte w1_ticket[N];
/* The receiver's memory. */
byte comp_lap[N];
byte comp_ticket[N];
byte comp_count[N];

/* For the proof only. */
bool desc_unread[N];
bool comp_unread[N];
bool held[TICKETS];     /* the receiver may read the buffer */
bool out[TICKETS];
#ifdef NO_R3
bool late[TICKETS];     /* the buffer is read after the completion */
#endif

#define all_arrived (!w0_on_way[0] && !w0_on_way[1] && !w0_on_way[2] && !w0_on_way[3] && \
		!w1_on_way[0] && !w1_on_way[1] && !w1_on_way[2] && !w1_on_way[3])

inline store_w0(pos)
{
	w0_on_way[place(pos)] = true;
	w0_value[place(pos)] = lap(pos)
}

inline store_w1(pos, ticket)
{
	w1_on_way[place(pos)] = true;
	w1_lap[place(pos)] = lap(pos);
	w1_ticket[place(pos)] = ticket
}

inline arrive(i)
{
	if
	:: w0_on_way[i] ->
		desc_w0[i] = w0_value[i];
		w0_value[i] = 0;
		w0_on_way[i] = false
	:: w1_on_way[i] ->
		desc_lap[i] = w1_lap[i];
		desc_ticket[i] = w1_ticket[i];
		w1_lap[i] = 0;
		w1_ticket[i] = 0;
		w1_on_way[i] = false
	fi
}

active proctype arrival()
{
end:
	do
	:: atomic { w0_on_way[0] || w1_on_way[0] -> arrive(0) }
	:: atomic { w0_on_way[1] || w1_on_way[1] -> arrive(1) }
	:: atomic { w0_on_way[2] || w1_on_way[2] -> arrive(2) }
	:: atomic { w0_on_way[3] || w1_on_way[3] -> arrive(3) }
#ifdef NO_R3
	:: late[0] -> late[0] = false
	:: late[1] -> late[1] = false
	:: late[2] -> late[2] = false
	:: late[3] -> late[3] = false
#endif
	od
}

chan free_ticket = [TICKETS] of { byte };

/* fido_sender_put() */
inline put()
{
	free_ticket?ticket;
	assert(!out[ticket]);
	assert(!held[ticket]); /* its buffer is written now */
#ifdef NO_R3
	assert(!late[ticket]);
#endif
	assert(!desc_unread[place(prod)]);
	assert(!w0_on_way[place(prod)] && !w1_on_way[place(prod)]);
	out[ticket] = true;
	desc_unread[place(prod)] = true;
	store_w0(prod);
#ifdef FIRST_NOT_LAST
	store_w1(prod, ticket);
#else
	if
	:: count == 0 -> first = prod; first_ticket = ticket
	:: else -> store_w1(prod, ticket)
	fi;
#endif
	next(prod);
	count++;
	ticket = 0
}

proctype sender()
{
	byte prod, cons, first, first_ticket, count, ticket, run_ticket, run_left;

	do
	:: run_left == 0 && nempty(free_ticket) ->
		do
		:: atomic { count < BURST && nempty(free_ticket) -> put() }
		:: count > 0 -> break
		od;
		/* fido_sender_publish() */
		atomic {
#ifndef FIRST_NOT_LAST
#ifndef NO_R2
			all_arrived;
#endif
			store_w1(first, first_ticket);
#endif
			first = 0;
			first_ticket = 0;
			count = 0
		}
	/* fido_sender_next_run() */
	:: atomic { run_left == 0 && comp_lap[place(cons)] == lap(cons) ->
		assert(comp_unread[place(cons)]);
		comp_unread[place(cons)] = false;
		run_ticket = comp_ticket[place(cons)];
		run_left = comp_count[place(cons)];
		/* Once read, only the lap matters. */
		comp_ticket[place(cons)] = 0;
		comp_count[place(cons)] = 0;
		next(cons) }
	/* fido_sender_take_run() */
	:: atomic { run_left != 0 ->
		assert(out[run_ticket]);
		out[run_ticket] = false;
		free_ticket!run_ticket;
		run_left--;
		run_ticket = (run_left != 0 -> (run_ticket + 1) % TICKETS : 0) }
	od
}

/* fido_receiver_flush() */
inline flush()
{
	assert(!comp_unread[place(prod)]);
	comp_unread[place(prod)] = true;
	comp_lap[place(prod)] = lap(prod);
	comp_ticket[place(prod)] = run_ticket;
	comp_count[place(prod)] = run_count;
	next(prod);
	run_ticket = 0;
	run_count = 0
}

/* fido_receiver_complete() */
inline complete(t)
{
	held[t] = false;
#ifdef NO_R3
	late[t] = true;
#endif
	if
	:: run_count != 0 && t == (run_ticket + run_count) % TICKETS -> run_count++
	:: else ->
		if
		:: run_count != 0 -> flush()
		:: else
		fi;
		run_ticket = t;
		run_count = 1
	fi
}

proctype receiver()
{
	byte cons, prod, ticket, w0, run_ticket, run_count;
#ifdef COMPLETES_UNREAD
	bool peeked;
#endif
#ifdef NO_A2
	bool early;
#endif

	do
#ifdef NO_A2
	:: !early -> w0 = desc_w0[place(cons)]; early = true
#endif
	/* fido_receiver_next() */
	:: atomic { desc_lap[place(cons)] == lap(cons) -> ticket = desc_ticket[place(cons)] };
#ifdef NO_A2
		if
		:: early
		:: !early -> w0 = desc_w0[place(cons)]
		fi;
		early = false;
#else
		w0 = desc_w0[place(cons)];
#endif
		atomic {
			assert(desc_unread[place(cons)]);
			assert(w0 == lap(cons));
			assert(!held[ticket]);
			desc_unread[place(cons)] = false;
			desc_ticket[place(cons)] = 0;
			held[ticket] = true;
			ticket = 0;
			w0 = 0;
			next(cons);
#ifdef COMPLETES_UNREAD
			if
			:: peeked -> next(cons); peeked = false
			:: else
			fi
#endif
		}
	:: atomic { held[0] -> complete(0) }
	:: atomic { held[1] -> complete(1) }
	:: atomic { held[2] -> complete(2) }
	:: atomic { held[3] -> complete(3) }
	:: atomic { run_count != 0 -> flush() }
#ifdef COMPLETES_TWICE
	:: atomic { run_count == 0 && !held[0] -> complete(0) }
#endif
#ifdef COMPLETES_UNREAD
	/* The second next is read and completed, the next one stays in the ring. */
	:: atomic { !peeked && desc_lap[place(cons)] == lap(cons) && desc_lap[place(cons + 1)] == lap(cons + 1) ->
		desc_unread[place(cons + 1)] = false;
		complete(desc_ticket[place(cons + 1)]);
		peeked = true }
#endif
	od
}

init
{
	byte t;

	atomic {
		for (t : 0 .. TICKETS - 1) {
			free_ticket!t
		}
		t = 0;
		run sender();
		run receiver()
	}
}
