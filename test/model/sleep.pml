/* Proves: a sleeper beside a ring is woken for what is published in it (F4, F5). */
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sleep handshake on a machine with store buffers (TSO): a store goes into the buffer of its
 * processor and reaches memory some time later, in order; a load reads memory at once. (A load
 * would see the processor's own buffered stores: here none loads what it stores.) This is the one
 * reordering that the handshake is about, a store and a later load, and processors that reorder
 * more have it too.
 *
 * The sender posts (fido_txq_post): publish, read `sleeps`, and if it is set: F4, read `armed`,
 * ring if it is set. The receiver polls; when there is nothing it arms (fido_rxq_arm): set `armed`,
 * F5, look once more, block on the doorbell; then fido_rxq_disarm: clear `armed`, clear the
 * doorbell. A sender that waits for completions (fido_txq_arm, fido_rxq_complete) is the same with
 * the roles exchanged. The model does not assume that the doorbell drains a buffer, although a
 * system call does on most machines.
 *
 * A lost wake-up is an end state: no process can take a step, and the receiver has not seen all
 * bursts.
 *
 * right fences: -- F4 and F5 are full fences
 * right begins: -DBEGINS -- the receiver begins to sleep, the sender has no fence yet
 * broken no-f4: -DNO_F4 -- the sender reads `armed` with the burst in its buffer
 * broken no-f5: -DNO_F5 -- the receiver looks again with `armed` in its buffer
 * broken release-fences: -DNO_F4 -DNO_F5 -- a release fence drains no buffer
 * broken look-before-arming: -DLOOK_FIRST -- the last look comes before `armed` is set
 * broken begins-at-once: -DBEGINS -DNO_WAIT -- it does not wait for the sender's buffer to drain
 * broken begins-unsaid: -DBEGINS -DUNSAID -- it arms without setting `sleeps`
 * broken no-look: -DNO_LOOK -- the receiver arms, fences, and blocks without looking again
 */

#define BURSTS 3 /* the first, one that finds the receiver in any state, one after that */
#define SENDER 0
#define RECEIVER 1

/* Words of memory. */
#define PUBLISHED 0 /* bursts published */
#define ARMED 1
#define SLEEPS 2

byte memory[3];
bool bell;
chan store_buffer[2] = [2] of { byte, byte };

#define store(who, word, value) store_buffer[who]!word, value
#define fence(who) empty(store_buffer[who])

/* A processor's buffer drains by itself, whatever the processor does. */
proctype drain(byte who)
{
	byte word, value;
end:
	do
	:: atomic { store_buffer[who]?word, value -> memory[word] = value; word = 0; value = 0 }
	od
}

proctype sender()
{
	byte burst = 0;

	do
	:: burst == BURSTS -> break
	:: burst < BURSTS ->
		burst++;
		store(SENDER, PUBLISHED, burst);
		if
#ifdef BEGINS
		:: memory[SLEEPS] == 0
#endif
		:: memory[SLEEPS] != 0 ->
#ifndef NO_F4
			fence(SENDER);
#endif
			if
			:: memory[ARMED] != 0 -> bell = true
			:: memory[ARMED] == 0
			fi
		fi
	od
}

/* Announce sleeping, and wait much longer than a store can stay in a buffer. */
inline begin()
{
#ifndef UNSAID
	store(RECEIVER, SLEEPS, 1);
	fence(RECEIVER);
#endif
#ifndef NO_WAIT
	empty(store_buffer[SENDER]);
#endif
	begun = true
}

inline arm()
{
#ifdef BEGINS
	if
	:: begun
	:: !begun -> begin()
	fi;
#endif
	store(RECEIVER, ARMED, 1);
#ifndef NO_F5
	fence(RECEIVER);
#endif
}

proctype receiver()
{
	byte seen = 0;
	bool pending, begun = false;

	do
	:: seen == BURSTS -> break
	:: memory[PUBLISHED] != seen -> seen++
	:: memory[PUBLISHED] == seen && seen != BURSTS ->
#ifdef LOOK_FIRST
		pending = memory[PUBLISHED] != seen;
		arm();
#else
		arm();
		pending = memory[PUBLISHED] != seen;
#endif
#ifdef NO_LOOK
		pending = false;
#endif
		if
		:: pending
		:: !pending -> bell /* blocks until it is rung */
		fi;
		pending = false;
		store(RECEIVER, ARMED, 0);
		bell = false
	od
}

init
{
#ifndef BEGINS
	memory[SLEEPS] = 1; /* set before the ring was offered */
#endif
	atomic { run drain(SENDER); run drain(RECEIVER); run sender(); run receiver() }
}
