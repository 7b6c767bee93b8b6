/* Proves: a report about a dead peer is never taken for one about an earlier peer (R11, A11). */
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fido_held_publish() and fido_held_newest() on a machine that reorders all that it is not told to
 * keep in order, as in record.pml: stores to different words reach memory in any order, a release
 * (R10, R11) waits for those before it; a load may be made at any time that the acquires (A10, A11)
 * allow.
 *
 * Two generations use a slot, one after the other. A message of each is held here, and released. A
 * reader asks about one of them as soon as it can have posted. "Nothing is held" must be true.
 *
 * Left out: the list. It only says less than `newest` does, and is published before it (R10).
 *
 * right: -- two generations
 * broken no-r10: -DNO_R10 -- "nothing" is published before it is true
 * broken no-r11: -DNO_R11 -- the generation is seen before its number
 * broken no-a11: -DNO_A11 -- the number is read before its generation
 */

#define GENERATIONS 2

/* Words of memory. */
#define RECEIVED 0
#define ENDED 1
#define NEWEST 2

byte memory[3];
byte value[3];   /* stores under way ... */
bool on_way[3];  /* ... to memory */
byte holds;      /* the generation whose message is held; 0: none */
byte came;       /* the newest that may have posted to here */

#define store(word, v) atomic { !on_way[word] -> value[word] = v; on_way[word] = true }
#define all_arrived (!on_way[RECEIVED] && !on_way[ENDED] && !on_way[NEWEST])
#define arrive(word) d_step { on_way[word] -> memory[word] = value[word]; value[word] = 0; on_way[word] = false }

active proctype arrival()
{
end:
	do
	:: arrive(RECEIVED)
	:: arrive(ENDED)
	:: arrive(NEWEST)
	od
}

active proctype holder()
{
	byte g = 0;

	do
	:: g == GENERATIONS -> break
	:: g < GENERATIONS ->
		g++;
		store(RECEIVED, g);
		/* The peer posts after it has seen the link's record, which is written later. */
		atomic { all_arrived -> came = g; holds = g }
		/* It has died. */
		store(NEWEST, 1);
#ifndef NO_R11
		all_arrived;
#endif
		store(ENDED, g);
#ifndef NO_R10
		holds = 0;
		all_arrived;
#endif
		store(NEWEST, 0);
		holds = 0;
		all_arrived
	od
}

active proctype reader()
{
	byte g, ended, newest, received;
	bool ended_read, newest_read;

	if
	:: atomic { came >= 1 -> g = 1 }
	:: atomic { came >= 2 -> g = 2 }
	fi;
	received = memory[RECEIVED];
	if
	:: received == g ->
		do
		:: !ended_read -> ended = memory[ENDED]; ended_read = true
#ifdef NO_A11
		:: !newest_read -> newest = memory[NEWEST]; newest_read = true
#else
		:: ended_read && !newest_read -> newest = memory[NEWEST]; newest_read = true
#endif
		:: ended_read && newest_read -> break
		od;
		received = memory[RECEIVED]
	:: else
	fi;
	/* Unknown yet, or something held: fine. Nothing: it stays released. */
	assert((received == g && (ended != g || newest != 0)) || holds != g)
}
