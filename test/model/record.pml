/* Proves: a reader gets a record whole, as it was at one time, or not at all (R6, R7, A6, A7). */
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing and reading by src/core/seqlock.h (link records, notes, lists of what is held of a dead
 * peer, and on Xen pieces of memory and sets of doorbells), on a machine that reorders all that it
 * is not told to keep in order. Stores to different words reach memory in any order; a release (R7)
 * or a release fence (R6) waits for those before it. A load may be made at any time that the
 * acquire (A7) and the acquire fence (A6) allow. Two loads of one word are made in order, as are
 * two stores.
 *
 * The record is two words, x and y; version k of it is x = y = k. Two words show a torn copy; more
 * words show no other kind.
 *
 * right: -- two versions after the first
 * broken no-r6: -DNO_R6 -- new fields are seen before the odd number
 * broken no-r7: -DNO_R7 -- the even number is seen before the new fields
 * broken no-a6: -DNO_A6 -- the number is read again before the fields
 * broken no-a7: -DNO_A7 -- fields are read before the number
 */

#define VERSIONS 2

/* Words of memory. */
#define SEQ 0
#define X 1
#define Y 2

byte memory[3];
byte value[3];   /* stores under way ... */
bool on_way[3];  /* ... to memory */

#define store(word, v) atomic { !on_way[word] -> value[word] = v; on_way[word] = true }
#define all_arrived (!on_way[SEQ] && !on_way[X] && !on_way[Y])
#define arrive(word) d_step { on_way[word] -> memory[word] = value[word]; value[word] = 0; on_way[word] = false }

active proctype arrival()
{
end:
	do
	:: arrive(SEQ)
	:: arrive(X)
	:: arrive(Y)
	od
}

active proctype writer()
{
	byte version = 0;

	do
	:: version == VERSIONS -> break
	:: version < VERSIONS ->
		version++;
		store(SEQ, 2 * version - 1);
#ifndef NO_R6
		all_arrived;
#endif
		store(X, version);
		store(Y, version);
#ifndef NO_R7
		all_arrived;
#endif
		store(SEQ, 2 * version)
	od
}

active proctype reader()
{
	byte seq, again, x, y;
	bool seq_read, again_read, x_read, y_read;

	do
	:: !seq_read -> seq = memory[SEQ]; seq_read = true
#ifdef NO_A7
	:: !x_read -> x = memory[X]; x_read = true
	:: !y_read -> y = memory[Y]; y_read = true
#else
	:: seq_read && !x_read -> x = memory[X]; x_read = true
	:: seq_read && !y_read -> y = memory[Y]; y_read = true
#endif
#ifdef NO_A6
	:: seq_read && !again_read -> again = memory[SEQ]; again_read = true
#else
	:: x_read && y_read && !again_read -> again = memory[SEQ]; again_read = true
#endif
	:: x_read && y_read && again_read -> break
	od;
	assert(seq % 2 == 1 || seq != again || (x == seq / 2 && y == seq / 2))
}
