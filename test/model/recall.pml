/* Proves: a stranded buffer is not reused while a domain can read it, and always comes back. */
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/core/recall.c and src/core/held.c, with the death of any domain but the owner at any step.
 * Domain 0 owns the buffers and posts each to domain 1, which may forward it to 2, and so on; with
 * ECHO the last one sends it back the way it came, to the owner. Each domain recalls what it posted
 * by the same rule, also those in the middle: they must, to give it back to those before them.
 *
 * Message (b, h) is buffer b on hop h, from domain stop(h - 1) to stop(h). Sets of messages:
 *   ring    its descriptor waits to be read
 *   held    its receiver has its ticket, and reads the buffer
 *   comp    completed, and its sender has not reaped
 *   out     its sender has not got the ticket back
 *   passed  posted once: posting it again tests nothing new
 *   seen    it has been read, at some time
 *   before  of each message: what had been read when it was posted
 *   listed  its receiver has published that it holds it
 * Of hops, which are the rings from one domain to the next, in the control block of the receiver:
 *   received   published that it has the ring
 *   ended      published that the sender has died, and that `listed` has all that is held of it
 * Of domains, private to each:
 *   gone    knows of this death
 *   noted   has a note of it, see fido_recall_note_death()
 * A dead domain reads no more, so what was under way to it or held by it is in no set; what it has
 * published stays.
 *
 * All domains share one clock, so it is an order: a message was posted later than another was read,
 * or not (`before`). Clock values would give the same order, and many more states.
 *
 * Left out, with the reason:
 * - The notes' `from` is what the dead domain had published: since that no longer changes, the
 *   model reads it when needed.
 * - fido_dead.done: what no domain holds any more stays so, and can be computed each time.
 * - What one domain publishes of another only shrinks once it exists, so a scan of all control
 *   blocks is one step, and the newest time, which is derived from the list, is published with it.
 * - A list that is missing or too long: only times remain, which are a part of the rule.
 * - Bursts: one message is read, timed, and forwarded later.
 * - Domains that join later. They are new generations.
 * - Orderings: R6, R7, R10 and R11 are covered by record.pml, ended.pml and
 *   test/unit/recall-after-last-read.c.
 *
 * A leak is an end state: no domain can take a step, and the owner has not got all that it posted.
 * Deaths may cease at any time, so that the survivors are not saved by dying. The living release
 * their buffers, except with KEEP: the last domain keeps the second buffer for ever, and the first
 * must come back.
 *
 * right three: -DDOMAINS=3 -- one in the middle
 * right four: -DDOMAINS=4 -- two in the middle
 * right five: -DDOMAINS=5 -O2 -- three in the middle
 * right two-buffers: -DDOMAINS=3 -DBUFFERS=2 -O2 -- two buffers under way at once
 * right kept: -DDOMAINS=4 -DBUFFERS=2 -DKEEP -O2 -- one is kept for ever, the other comes back
 * right echo: -DDOMAINS=3 -DECHO -- back the way it came
 * right echo-four: -DDOMAINS=4 -DECHO -O2 -- the same, with two in the middle
 * right echo-two-buffers: -DDOMAINS=3 -DECHO -DBUFFERS=2 -O2 -- the same, with two buffers
 * broken at-once: -DDOMAINS=3 -DAT_ONCE -- it comes back as soon as the receiver has died
 * broken dead-in-the-middle: -DDOMAINS=4 -DNO_FOLLOW -- deaths behind the receiver are ignored
 * broken listed-while-unread: -DDOMAINS=3 -DLIST_UNREAD -- lists while a message is unread
 * broken not-listed-while-held: -DDOMAINS=4 -DLIST_NOT_PASSED -- forwarded messages are not listed
 * broken completes-early: -DDOMAINS=3 -DCOMPLETES_EARLY -- a forwarder completes its ticket at once
 * broken death-not-certain: -DDOMAINS=3 -DNOT_CERTAIN -- a closed connection is taken for a death
 * broken notes-forgotten-singly: -DDOMAINS=5 -DFORGET_SINGLY -O2 -- drops notes one by one
 * broken received-late: -DDOMAINS=3 -DRECEIVED_LATE -- publishes a ring that is already posted to
 * broken time-before-reading: -DDOMAINS=4 -DTIME_EARLY -- the clock is read before the message is
 * broken waits-for-the-dead: -DDOMAINS=3 -DWAIT_FOR_DEAD -- waits for the dead, too: a leak
 * broken holders-only: -DDOMAINS=3 -DHOLDERS_ONLY -- publishes nothing if it holds nothing: a leak
 * broken times-only: -DDOMAINS=3 -DBUFFERS=2 -DKEEP -DTIMES_ONLY -- one kept blocks others: a leak
 * broken echo-addresses-only: -DDOMAINS=3 -DECHO -DADDRESSES_ONLY -- waits for itself: a leak
 * broken echo-time-forgotten: -DDOMAINS=3 -DECHO -DTIME_LATE -- publishes too late a time: a leak
 * broken echo-holds-nothing: -DDOMAINS=3 -DECHO -DHOLDS_NOTHING -- waits for all holders: a leak
 */

#ifndef BUFFERS
#define BUFFERS 1
#endif
#define LAST (DOMAINS - 1)
#ifdef ECHO
#define HOPS (2 * LAST)
#define stop(h) ((h) <= LAST -> (h) : 2 * LAST - (h))
#else
#define HOPS LAST
#define stop(h) (h)
#endif
#define message_of(b, h) ((b) * HOPS + (h) - 1)

#define has(set, m) ((set >> (m)) & 1)
#define add(set, m) set = set | (1 << (m))
#define drop(set, m) set = set & ~(1 << (m))

short ring, held, comp, out, passed, seen, listed;
short before[BUFFERS * HOPS];
short received, ended;
byte alive;
bool nobody_dies;
byte gone[DOMAINS];
byte noted[DOMAINS];

/*
 * Guards without side effects, in C, so that a domain that cannot go on is stuck instead of busy.
 * (Spin accepts no call in an expression, hence the macros.)
 */
c_decl {
	\#define MESSAGE_MAY_COME_BACK may_come_back(Pmessage->b, Pmessage->h)
	\#define RING_UNREAD (now.ring & on_hop(Pring_of->h))
	\#define RING_HAS_NEWS has_news(Pring_of->h)
	\#define DOMAIN_MAY_FORGET may_forget(Pdomain->i)
};

c_code {
	static int stop_of(int h)
	{
		return h < DOMAINS ? h : 2 * (DOMAINS - 1) - h;
	}

	static unsigned int message_set(int b, int h)
	{
		return 1u << (b * HOPS + h - 1);
	}

	static unsigned int on_hop(int h)
	{
		unsigned int set = 0;

		for (int b = 0; b < BUFFERS; b++)
			set |= message_set(b, h);
		return set;
	}

	/* All messages from domain i, or to it. */
	static unsigned int messages(int i, int is_to)
	{
		unsigned int set = 0;

		for (int h = 1; h <= HOPS; h++)
			if (stop_of(is_to ? h : h - 1) == i)
				set |= on_hop(h);
		return set;
	}

	/* The hop from j to k, if it has been published. @return 0: there is none */
	static int received_hop(int k, int j)
	{
		for (int h = 1; h <= HOPS; h++)
			if (stop_of(h - 1) == j && stop_of(h) == k && now.received >> h & 1)
				return h;
		return 0;
	}

	/* fido_held_newest() != 0 */
	static int may_hold(int k, int j)
	{
		int h = received_hop(k, j);

		return h != 0 && (!(now.ended >> h & 1) || (now.listed & on_hop(h)) != 0);
	}

	static int asks(int i, int k)
	{
#ifdef WAIT_FOR_DEAD
		return 1;
#endif
		return !(now.gone[i] >> k & 1);
	}

	/* nothing_held() of recall.c */
	static int nothing_held(int i, int j)
	{
		for (int k = 0; k < DOMAINS; k++)
			if (asks(i, k) && may_hold(k, j))
				return 0;
		return 1;
	}

	static void mark_way(int i, int j, unsigned int *way)
	{
		for (int k = 0; k < DOMAINS; k++) {
			if (!(now.noted[i] >> k & 1) || *way >> k & 1)
				continue;
#ifdef NO_FOLLOW
			if (k != j)
				continue;
#endif
			if (k != j && !may_hold(k, j))
				continue;
			*way |= 1u << k;
			mark_way(i, k, way);
		}
	}

	/* add_holders() of recall.c. @return 0: unknown yet */
	static int add_holders(int i, int j, unsigned int *set)
	{
		for (int k = 0; k < DOMAINS; k++) {
			int h = received_hop(k, j);

			if (!asks(i, k) || h == 0)
				continue;
			if (!(now.ended >> h & 1))
				return 0;
			*set |= now.listed & on_hop(h);
		}
		return 1;
	}

	/* fido_recall_ask(), fido_recall_allows() */
	static int may_come_back(int b, int h)
	{
		int i = stop_of(h - 1), j = stop_of(h), by_time, by_address;
		unsigned int way = 0, set = 0, same = 0;

		if (!(now.gone[i] >> j & 1))
			return 0;
#ifdef AT_ONCE
		return 1;
#endif
		mark_way(i, j, &way);
		for (int k = 0; k < DOMAINS; k++)
			if (way >> k & 1 && !add_holders(i, k, &set))
				return 0;
		for (int k = 1; k <= HOPS; k++)
			same |= message_set(b, k);
		by_time = (set & ~now.before[b * HOPS + h - 1]) == 0;
		by_address = (set & same) == 0;
#if defined(HOLDS_NOTHING)
		return set == 0;
#elif defined(TIMES_ONLY)
		return by_time;
#elif defined(ADDRESSES_ONLY)
		return by_address;
#else
		return by_time || by_address;
#endif
	}

	static unsigned int list_of(int h)
	{
		unsigned int list = now.held & on_hop(h);

#ifdef LIST_NOT_PASSED
		for (int b = 0; b < BUFFERS; b++)
			if (h < HOPS && now.out & message_set(b, h + 1))
				list &= ~message_set(b, h);
#endif
		return list;
	}

	/* fido_held_publish() */
	static int has_news(int h)
	{
#ifndef LIST_UNREAD
		if (now.ring & on_hop(h))
			return 0;
#endif
#ifdef HOLDERS_ONLY
		if (!(now.ended >> h & 1) && list_of(h) == 0)
			return 0;
#endif
		return !(now.ended >> h & 1) || (now.listed & on_hop(h)) != list_of(h);
	}

	static void publish(int h)
	{
		now.ended |= 1u << h;
		now.listed = now.listed & ~on_hop(h) | list_of(h);
	}

	/* fido_recall_collect(): nothing is held through a dead domain, nothing is stranded. */
	static int may_forget(int i)
	{
#ifdef FORGET_SINGLY
		for (int k = 0; k < DOMAINS; k++)
			if (now.noted[i] >> k & 1 && nothing_held(i, k))
				return 1;
		return 0;
#endif
		for (int h = 1; h <= HOPS; h++)
			if (stop_of(h - 1) == i && now.out & on_hop(h) && now.gone[i] >> stop_of(h) & 1)
				return 0;
		for (int k = 0; k < DOMAINS; k++)
			if (now.noted[i] >> k & 1 && !nothing_held(i, k))
				return 0;
		return now.noted[i] != 0;
	}

	static void forget(int i)
	{
		for (int k = 0; k < DOMAINS; k++)
			if (nothing_held(i, k))
				now.noted[i] &= ~(1u << k);
	}

	/* It reads and reaps no more. What it has completed, posted and published stays. */
	static void die(int i)
	{
		unsigned int to = messages(i, 1), from = messages(i, 0);

		now.alive &= ~(1u << i);
		now.ring &= ~to;
		now.held &= ~to;
		now.out &= ~from;
		now.comp &= ~from;
		now.passed &= ~from;
		now.gone[i] = 0;
		now.noted[i] = 0;
		for (int m = 0; m < BUFFERS * HOPS; m++)
			if (from >> m & 1)
				now.before[m] = 0;
	}
};

#define FIRST_BUFFER ((1 << HOPS) - 1)
#define MESSAGES ((1 << (BUFFERS * HOPS)) - 1)
#ifdef KEEP
#define keeps(b, h) (b == 1 && h == HOPS)
#define OWN 1
#else
#define keeps(b, h) false
#define OWN (1 | (BUFFERS - 1) << HOPS)
#endif

#ifdef NOT_CERTAIN
#define has_ended(j) true
#else
#define has_ended(j) (!has(alive, j))
#endif

/* The sender of (b, h), which is m, posts it. */
inline post(h, m)
{
	add(out, m);
	add(passed, m);
	before[m] = seen;
#ifdef TIME_LATE
	if
	:: h > 1 -> drop(before[m], m - 1)
	:: else
	fi;
#endif
	if
	:: has(alive, stop(h)) -> add(ring, m)
	:: else
	fi
}

/* The ticket is back, the buffer may be written. No domain may hold it or have it in a ring. */
inline back(b, h, m)
{
	drop(out, m);
	before[m] = 0;
	assert(h != 1 || ((ring | held) & (FIRST_BUFFER << (b * HOPS))) == 0)
}

/* The life of buffer b on hop h. */
proctype message(byte b, h, m)
{
end:
	do
	/* Its receiver. */
	:: atomic { has(ring, m) -> drop(ring, m); add(held, m); add(seen, m) }
#ifdef TIME_EARLY
	:: atomic { !has(seen, m) && has(alive, stop(h)) -> add(seen, m) }
#endif
	:: atomic { has(held, m) && h < HOPS && !has(passed, m + 1) && !has(gone[stop(h)], stop(h + 1)) ->
		post(h + 1, m + 1);
#ifdef COMPLETES_EARLY
		drop(held, m);
		add(comp, m)
#endif
	}
	:: atomic { has(held, m) && (h == HOPS || !has(out, m + 1)) && !keeps(b, h) ->
		drop(held, m);
		if
		:: has(alive, stop(h - 1)) -> add(comp, m)
		:: else
		fi
	}
	/* Its sender. */
	:: atomic { has(out, m) && has(comp, m) -> drop(comp, m); back(b, h, m) }
	:: atomic { has(out, m) && c_expr { MESSAGE_MAY_COME_BACK } -> back(b, h, m) }
	od
}

/* The receiver's control block, about the ring of hop h. */
proctype ring_of(byte h)
{
end:
	do
	:: atomic { has(alive, stop(h)) && !has(received, h) -> add(received, h) }
	:: atomic { has(alive, stop(h)) && has(gone[stop(h)], stop(h - 1)) && c_expr { RING_HAS_NEWS } ->
		c_code { publish(Pring_of->h); } }
	od
}

proctype domain(byte i)
{
end:
	do
	:: atomic { has(alive, i) && c_expr { DOMAIN_MAY_FORGET } -> c_code { forget(Pdomain->i); } }
	:: atomic { i != 0 && has(alive, i) && !nobody_dies -> c_code { die(Pdomain->i); } }
	:: atomic { has(alive, i) && i != 1 && has_ended(1) && !has(gone[i], 1) -> add(gone[i], 1); add(noted[i], 1) }
	:: atomic { has(alive, i) && i != 2 && has_ended(2) && !has(gone[i], 2) -> add(gone[i], 2); add(noted[i], 2) }
#if DOMAINS > 3
	:: atomic { has(alive, i) && i != 3 && has_ended(3) && !has(gone[i], 3) -> add(gone[i], 3); add(noted[i], 3) }
#endif
#if DOMAINS > 4
	:: atomic { has(alive, i) && i != 4 && has_ended(4) && !has(gone[i], 4) -> add(gone[i], 4); add(noted[i], 4) }
#endif
	od
}

proctype fate()
{
	nobody_dies = true
}

/* It has posted the first buffer; it may post the second at any time. */
proctype owner()
{
#if BUFFERS > 1
	if
	:: atomic { !has(gone[0], 1) -> post(1, message_of(1, 1)) }
	:: has(gone[0], 1)
	fi;
#endif
	(out & OWN) == 0
}

init
{
	byte b, h, i;

	atomic {
		for (i : 0 .. LAST) {
			add(alive, i);
			run domain(i)
		}
		for (h : 1 .. HOPS) {
#ifndef RECEIVED_LATE
			add(received, h);
#endif
			run ring_of(h);
			for (b : 0 .. BUFFERS - 1) {
				run message(b, h, message_of(b, h))
			}
		}
		post(1, 0);
		run owner();
		run fate();
		b = 0; h = 0; i = 0
	}
}
