/* Proves: the SIGBUS handler reads a range's base with its own length (R12, A12, R15, A15). */
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fido_sigbus_guard(), fido_sigbus_unguard() and find() of sigbus.c on a machine that reorders all
 * that it is not told to keep in order, as in record.pml. Range k has base k and length k; a place
 * is reused for the next one. The handler may run in any thread at any time.
 *
 * right: -- a place used twice
 * broken no-r12: -DNO_R12 -- the length is seen before the base
 * broken no-a12: -DNO_A12 -- the base is read before the length
 * broken no-r15: -DNO_R15 -- the next base is seen before the range is removed
 * broken no-a15: -DNO_A15 -- the length is read again before the base is
 * broken length-once: -DONCE -- the length is not read again
 */

#define RANGES 2

/* Words of memory. */
#define BASE 0
#define LENGTH 1

byte memory[2];
byte value[2];   /* stores under way ... */
bool on_way[2];  /* ... to memory */

#define store(word, v) atomic { !on_way[word] -> value[word] = v; on_way[word] = true }
#define all_arrived (!on_way[BASE] && !on_way[LENGTH])
#define arrive(word) d_step { on_way[word] -> memory[word] = value[word]; value[word] = 0; on_way[word] = false }

active proctype arrival()
{
end:
	do
	:: arrive(BASE)
	:: arrive(LENGTH)
	od
}

active proctype owner()
{
	byte k = 0;

	do
	:: k == RANGES -> break
	:: k < RANGES ->
		k++;
#ifndef NO_R15
		all_arrived;
#endif
		store(BASE, k);
#ifndef NO_R12
		all_arrived;
#endif
		store(LENGTH, k);
		store(LENGTH, 0)
	od
}

active proctype handler()
{
	byte base, length, again;
	bool base_read, length_read, again_read;

	do
	:: !length_read -> length = memory[LENGTH]; length_read = true
#ifdef NO_A12
	:: !base_read -> base = memory[BASE]; base_read = true
#else
	:: length_read && !base_read -> base = memory[BASE]; base_read = true
#endif
#ifdef NO_A15
	:: length_read && !again_read -> again = memory[LENGTH]; again_read = true
#else
	:: base_read && !again_read -> again = memory[LENGTH]; again_read = true
#endif
	:: base_read && length_read && again_read -> break
	od;
#ifdef ONCE
	again = length;
#endif
	assert(length == 0 || length != again || base == length)
}
