/* Proves: a stranded buffer is not reused while a living domain can read it, and always comes back in the end. */
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/recall.c, with the death of anybody but the owner at any step. Domain 0 owns a buffer and has posted it to domain
 * 1, which may pass it on to 2, and so on. Each domain takes back what it posted by the same rules, the ones in the
 * middle too: they must, to give it back to those before them.
 *
 * What is in a domain's memory (its rings, its control block) can be read after its death, and changes no more:
 *   in_ring[i]   a descriptor in the ring from i - 1 to i that i has not read
 *   comp[i]      a completion of i's that i - 1 has not reaped
 *   drained      has(drained, i, j): i holds nothing any more that came by way of j, which has ended
 * What a domain keeps for itself:
 *   held[i]      i holds the ticket it was given, and reads the buffer
 *   out[i]       i has posted the buffer to i + 1
 *   gone         has(gone, i, j): i has been told that j has ended
 *   noted        has(noted, i, j): i has a note of that death, see fido_recall_note_death()
 *
 * Left out, with the reason:
 * - The notes' `from` is what the dead one had not drained: as its control block changes no more, it is read here when it
 *   is needed.
 * - fido_dead.done: what has been drained by all that live stays so (drained only ever turns on, and no domain comes
 *   back to life), so it can be worked out anew each time. For the same reason a scan of all control blocks is one step.
 * - Domains that come later, which can get the buffer only from one that holds it. They are new generations.
 * - Orderings: R10, A10 are test/unit/recall-drained-ordered.c's.
 *
 * A leak is an end state: nobody can take a step, and the owner has not got its buffer. The living let go.
 *
 * right three: -DDOMAINS=3 -- one in the middle
 * right four: -DDOMAINS=4 -- two in the middle
 * right five: -DDOMAINS=5 -O2 -- three in the middle
 * broken at-once: -DDOMAINS=3 -DAT_ONCE -- it comes back as soon as the receiver has died
 * broken dead-in-the-middle: -DDOMAINS=4 -DNO_FOLLOW -- only the receiver must be drained, whoever died behind it
 * broken drained-while-held: -DDOMAINS=3 -DDRAINED_HELD -- a domain says it has drained while it holds
 * broken drained-while-unread: -DDOMAINS=3 -DDRAINED_UNREAD -- ... while a descriptor waits in the dead one's ring
 * broken completes-early: -DDOMAINS=3 -DCOMPLETES_EARLY -- one that passes on gives its ticket back at once
 * broken death-not-certain: -DDOMAINS=3 -DNOT_CERTAIN -- a closed connection is taken for a death
 * broken notes-forgotten-singly: -DDOMAINS=5 -DFORGET_SINGLY -O2 -- a note goes when its own death is drained
 * broken waits-for-the-dead: -DDOMAINS=3 -DWAIT_FOR_DEAD -- the dead must have drained too: a leak
 * broken drained-by-holders-only: -DDOMAINS=4 -DHOLDERS_ONLY -- who never held says nothing: a leak
 */

#define LAST (DOMAINS - 1)
/* A set of domains for each domain. */
#define has(set, i, j) ((set[i] >> (j)) & 1)
#define add(set, i, j) set[i] = set[i] | (1 << (j))

bool alive[DOMAINS];
bool in_ring[DOMAINS];
bool comp[DOMAINS];
bool held[DOMAINS];
bool out[DOMAINS];
bool passed[DOMAINS]; /* passed on once: doing it again tells nothing new */
byte gone[DOMAINS];
byte noted[DOMAINS];
byte drained[DOMAINS];

/*
 * Guards that look, and change nothing, in C: so that a domain that cannot go on is stuck, and not busy asking.
 * (Spin takes no call in an expression, hence the macros.)
 */
c_decl {
	\#define DOMAIN_RECALL_READY recall_ready(Pdomain->i)
	\#define DOMAIN_FORGET_READY forget_ready(Pdomain->i)
	\#define OWNER_RECALL_READY recall_ready(0)
	\#define OWNER_FORGET_READY forget_ready(0)
};

c_code {
	/* By all that i takes for living, itself included. */
	static int drained_by_all(int i, int j)
	{
		for (int k = 0; k < DOMAINS; k++) {
#ifndef WAIT_FOR_DEAD
			if (now.gone[i] >> k & 1)
				continue;
#endif
			if (k != j && !(now.drained[k] >> j & 1))
				return 0;
		}
		return 1;
	}

	/* follow() of recall.c */
	static int follow(int i, int j, unsigned int *on_way)
	{
		for (int k = 0; k < DOMAINS; k++) {
			if (!(now.noted[i] >> k & 1) || *on_way >> k & 1)
				continue;
#ifdef NO_FOLLOW
			if (k != j)
				continue;
#endif
			if (k != j && now.drained[k] >> j & 1)
				continue;
			*on_way |= 1u << k;
			if (!drained_by_all(i, k) || !follow(i, k, on_way))
				return 0;
		}
		return 1;
	}

	static int recall_ready(int i)
	{
		unsigned int on_way = 0;

#ifdef AT_ONCE
		return now.gone[i] >> (i + 1) & 1;
#endif
		return now.gone[i] >> (i + 1) & 1 && follow(i, i + 1, &on_way);
	}

	/* fido_recall_collect(): all deaths are drained, and nothing of ours is stranded. */
	static int forget_ready(int i)
	{
#ifdef FORGET_SINGLY
		for (int k = 0; k < DOMAINS; k++)
			if (now.noted[i] >> k & 1 && drained_by_all(i, k))
				return 1;
		return 0;
#endif
		if (now.noted[i] == 0 || (i < DOMAINS - 1 && now.out[i] && now.gone[i] >> (i + 1) & 1))
			return 0;
		for (int k = 0; k < DOMAINS; k++)
			if (now.noted[i] >> k & 1 && !drained_by_all(i, k))
				return 0;
		return 1;
	}

	static void forget(int i)
	{
		for (int k = 0; k < DOMAINS; k++)
			if (drained_by_all(i, k))
				now.noted[i] &= ~(1u << k);
	}
};

/* i is told that j has ended. Unless j posted to i there is nothing to let go, and no need to model the time between. */
inline tell(i, j)
{
	add(gone, i, j);
	add(noted, i, j);
	if
#ifndef HOLDERS_ONLY
	:: j + 1 != i -> add(drained, i, j)
#endif
	:: else
	fi
}

#ifdef NOT_CERTAIN
#define ended(j) true
#else
#define ended(j) (!alive[j])
#endif

/* When i may say that it has drained the one before it. */
#if defined(DRAINED_HELD)
#define let_go(i) (!in_ring[i])
#elif defined(DRAINED_UNREAD)
#define let_go(i) (!held[i])
#else
#define let_go(i) (!held[i] && !in_ring[i])
#endif

inline pass_on(i)
{
	out[i] = true;
	in_ring[i + 1] = true;
	passed[i] = true;
#ifdef COMPLETES_EARLY
	held[i] = false;
	comp[i] = true
#endif
}

proctype domain(byte i)
{
end:
	do
	:: atomic { alive[i] && in_ring[i] -> in_ring[i] = false; held[i] = true }
	:: atomic { alive[i] && held[i] && !out[i] && !passed[i] && i < LAST && !has(gone, i, i + 1) -> pass_on(i) }
	:: atomic { alive[i] && held[i] && !out[i] -> held[i] = false; comp[i] = true }
	:: atomic { alive[i] && i < LAST && out[i] && comp[i + 1] -> comp[i + 1] = false; out[i] = false }
	:: atomic { alive[i] && i < LAST && out[i] && c_expr { DOMAIN_RECALL_READY } -> out[i] = false }
	:: atomic { alive[i] && c_expr { DOMAIN_FORGET_READY } -> c_code { forget(Pdomain->i); } }
	:: atomic { alive[i] && has(gone, i, i - 1) && !has(drained, i, i - 1) && let_go(i) -> add(drained, i, i - 1) }
	:: atomic { alive[i] && i != 1 && ended(1) && !has(gone, i, 1) -> tell(i, 1) }
	:: atomic { alive[i] && i != 2 && ended(2) && !has(gone, i, 2) -> tell(i, 2) }
#if DOMAINS > 3
	:: atomic { alive[i] && i != 3 && ended(3) && !has(gone, i, 3) -> tell(i, 3) }
#endif
#if DOMAINS > 4
	:: atomic { alive[i] && i != 4 && ended(4) && !has(gone, i, 4) -> tell(i, 4) }
#endif
	od
}

proctype owner()
{
	do
	:: atomic { out[0] && comp[1] -> comp[1] = false; out[0] = false; break }
	:: atomic { c_expr { OWNER_RECALL_READY } -> out[0] = false; break }
	:: atomic { c_expr { OWNER_FORGET_READY } -> c_code { forget(0); } }
	:: atomic { ended(1) && !has(gone, 0, 1) -> tell(0, 1) }
	:: atomic { ended(2) && !has(gone, 0, 2) -> tell(0, 2) }
#if DOMAINS > 3
	:: atomic { ended(3) && !has(gone, 0, 3) -> tell(0, 3) }
#endif
#if DOMAINS > 4
	:: atomic { ended(4) && !has(gone, 0, 4) -> tell(0, 4) }
#endif
	od;
	/* The buffer is about to be written. Who lives, and has it or will find it in a ring, can read it. */
	assert(!(alive[1] && (held[1] || in_ring[1])));
	assert(!(alive[2] && (held[2] || in_ring[2])));
#if DOMAINS > 3
	assert(!(alive[3] && (held[3] || in_ring[3])));
#endif
#if DOMAINS > 4
	assert(!(alive[4] && (held[4] || in_ring[4])))
#endif
}

/* It reads no more. What is in its memory stays. */
inline die(i)
{
	alive[i] = false;
	held[i] = false;
	passed[i] = false
}

proctype killer()
{
end:
	do
	:: atomic { alive[1] -> die(1) }
	:: atomic { alive[2] -> die(2) }
#if DOMAINS > 3
	:: atomic { alive[3] -> die(3) }
#endif
#if DOMAINS > 4
	:: atomic { alive[4] -> die(4) }
#endif
	od
}

init
{
	byte i;

	atomic {
		run owner();
		run killer();
		for (i : 0 .. LAST) {
			alive[i] = true;
			if
			:: i != 0 -> run domain(i)
			:: else
			fi
		}
		out[0] = true;
		in_ring[1] = true
	}
}
