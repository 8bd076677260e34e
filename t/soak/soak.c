/* SPDX-License-Identifier: ISC */
/*
 * Two hubs of ours, linked over the LAN and by way of a relay, under the load
 * of many sessions, while sessions, links and processes are killed at random:
 * nothing that was acknowledged is lost, and memory and descriptors stay what
 * they are.
 *
 * In the first part of the run anything is killed; in the second no process
 * of the first hub that its sessions hang on; in the third none of its links'
 * either, nor the relay.  In the middle of the second and of the third, when
 * what lives has warmed up, and at the end it is quiet for a moment.
 */
#include "compat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "crowd.h"
#include "soak.h"

/*
 * SOAK_SECONDS		how long (20)
 * SOAK_SESSIONS	how many (24)
 * SOAK_SEED		the same random numbers as another time
 * SOAK_PACE		ms between two things that a session does (as many
 *			of all in a second, however many they are)
 * SOAK_FAULTS		0: nothing is closed or killed (1)
 * SOAK_HUPS		how often the hubs are sent SIGHUP, in turn (0)
 * SOAK_LOGS		a directory for what the hubs log, which is kept
 * SOAK_SERIES		a file for the memory of processes every 2 s
 * SOAK_HOLD		seconds to look at the processes at the end (0)
 */
#define SECONDS		20
#define SESSIONS	24
#define EACH_MS		7	/* something is done, if all are there */
#define PACE_MIN	250
#define ERRORS_MAX	25
#define BEGIN_MS	30000
#define QUIET_MS	90000	/* until all has arrived */
#define REST_MS		2000	/* then, for what is freed late */
#define LINE_MS		10000
#define SAMPLE_MS	2000
#define SLOW_TURN_MS	400	/* we have not answered pings that long */
#define SLOW_FOR_MS	3000

unsigned
pick(struct soak *k, unsigned below)
{
	k->random = k->random * 6364136223846793005 + 1442695040888963407;
	return ((unsigned)(k->random >> 33) % below);
}

double
clock_s(const struct soak *k)
{
	return ((double)(k->now - k->began) / 1000);
}

static void
print_trail(const struct post *p)
{
	static const char *const kinds[] = {
		"message", "ask", "reply", "broadcast", "in a room",
		"in a group"
	};
	unsigned	i, first = p->ntrail > TRAIL ? p->ntrail - TRAIL : 0;

	printf("    k%u, %s, from s%d to %d, number %u, %u bytes,%s%s%s%s\n",
	    p->id, kinds[p->kind], p->from, p->to, p->seq, p->len,
	    p->flags & P_ACKED ? " acknowledged" : " NOT acknowledged",
	    p->flags & P_PUSHED ? " pushed" : "",
	    p->flags & P_READ ? " read" : " NOT read",
	    p->flags & P_UNSURE ? " unsure" : "");
	for (i = first; i < p->ntrail; i++)
		printf("    %8.3f %s (s%d)\n",
		    (double)p->trail[i % TRAIL].ms / 1000,
		    p->trail[i % TRAIL].what, p->trail[i % TRAIL].by);
}

void
complain(struct soak *k, const struct post *p, const char *fmt, ...)
{
	va_list	ap;

	printf("soak: %.3f: ", clock_s(k));
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	if (p != NULL)
		print_trail(p);
	fflush(stdout);
	want(++k->errors < ERRORS_MAX, "too much is wrong");
}

static void
show_line(struct soak *k)
{
	unsigned	kills = 0, there = 0;
	int		i;

	for (i = 0; i < FAULTS; i++)
		kills += k->kills[i];
	for (i = 0; i < k->nsouls; i++)
		there += k->souls[i].state == THERE;
	printf("%6.1f part %d%s: %u sessions, %lu sent, %lu acked, %lu read, "
	    "%u faults; RSS KiB: alpha %ld router %ld store, beta %ld %ld\n",
	    clock_s(k), k->part, k->quiet ? " quiet" : "", there, k->sent,
	    k->acked, k->read, kills, memory_now(k, 0, "router"),
	    memory_now(k, 0, "store"), memory_now(k, 1, "router"),
	    memory_now(k, 1, "store"));
	fflush(stdout);
}

/* Reads from all that have something to say; what they say is taken there. */
static void
poll_all(struct soak *k, int ms)
{
	static struct pollfd	 pfd[SOULS_MAX * 2 + SITES];
	static struct soul	*who[SOULS_MAX * 2 + SITES];
	struct soul		*s;
	nfds_t			 n = 0, p;
	int			 i;

	for (i = 0; i < SITES; i++) {
		if (k->sites[i].watch == NULL)
			continue;
		pfd[n].fd = k->sites[i].watch->rfd;
		pfd[n].events = POLLIN;
		who[n++] = NULL;
	}
	for (i = 0; i < k->nsouls; i++) {
		s = &k->souls[i];
		if (s->chan == NULL || s->chan->eof)
			continue;
		if (!s->chan->mute) {
			pfd[n].fd = s->chan->rfd;
			pfd[n].events = POLLIN;
			who[n++] = s;
		}
		if (chan_waiting(s->chan) > 0) {
			pfd[n].fd = s->chan->wfd;
			pfd[n].events = POLLOUT;
			who[n++] = s;
		}
	}
	if (poll(pfd, n, ms) <= 0)
		return;
	k->now = t_now();
	for (p = 0; p < n; p++) {
		if ((s = who[p]) == NULL || pfd[p].revents == 0)
			continue;
		if (pfd[p].events == POLLOUT)
			chan_flush(s->chan);
		else
			chan_read(s->chan, soul_line, s);
	}
}

static void
turn(struct soak *k)
{
	int64_t	before = t_now();

	poll_all(k, 5);
	k->now = t_now();
	if (before - k->turned > SLOW_TURN_MS ||
	    k->now - before > SLOW_TURN_MS) {
		k->slept = k->now + SLOW_FOR_MS;
		k->slow_turns++;
		printf("%6.1f this program was slow: %.3f s\n", clock_s(k),
		    (double)(k->now - k->turned) / 1000);
	}
	sites_turn(k);
	crew_turn(k);
	talk_turn(k);
	faults_turn(k);
	if (k->now >= k->next_sample) {
		k->next_sample = k->now + SAMPLE_MS;
		memory_watch(k);
	}
	if (k->now >= k->next_line) {
		k->next_line = k->now + LINE_MS;
		show_line(k);
		json_array_clear(k->sites[0].env->kept);
	}
	k->turned = before;
}

int
soak_until(struct soak *k, int (*cond)(struct soak *), int ms)
{
	int64_t	end = t_now() + t_slow(ms);

	while (!cond(k)) {
		if (t_now() >= end)
			return (0);
		turn(k);
	}
	return (1);
}

static int
all_there(struct soak *k)
{
	int	i;

	for (i = 0; i < k->nsouls; i++) {
		if (k->souls[i].state != THERE || k->souls[i].chan->mute)
			return (0);
	}
	return (sites_linked(k));
}

static int
all_arrived(struct soak *k)
{
	const struct soul	*s;
	int			 i;

	if (!all_there(k))
		return (0);
	for (i = 0; i < k->nsouls; i++) {
		s = &k->souls[i];
		if (s->nopen > 0 || s->owed > 0 || s->asked_at != 0 ||
		    s->history_asked != 0 || s->wanted[0] != '\0' ||
		    !TAILQ_EMPTY(&s->asks) || chan_waiting(s->chan) > 0)
			return (0);
	}
	return (1);
}

static void
say_what_is_missing(struct soak *k)
{
	const struct soul	*s;
	unsigned		 n, shown = 0;
	int			 i;

	printf("links up: %d at alpha, %d at beta\n", k->sites[0].links_up,
	    k->sites[1].links_up);
	for (i = 0; i < k->nsouls; i++) {
		s = &k->souls[i];
		if (s->state != THERE || s->nopen > 0 || s->owed > 0 ||
		    s->asked_at != 0 || s->history_asked != 0 ||
		    s->wanted[0] != '\0')
			printf("%s: state %d, %u not acknowledged, %u not "
			    "read, inbox %d, history %d, wants \"%s\"\n",
			    s->name, s->state, s->nopen, s->owed,
			    s->asked_at != 0, s->history_asked, s->wanted);
	}
	for (n = 0; n < k->nposts && shown < ERRORS_MAX; n++) {
		if (k->posts[n]->kind != MAIL ||
		    k->posts[n]->flags & (P_READ | P_UNSURE))
			continue;
		print_trail(k->posts[n]);
		shown++;
	}
	fail_with("%u ms after it has become quiet something is missing",
	    QUIET_MS);
}

static int
never(struct soak *k)
{
	(void)k;
	return (0);
}

/* Nobody says anything; all that was said arrives; memory is looked at. */
static void
be_quiet(struct soak *k)
{
	int	i;

	k->quiet = 1;
	if (!soak_until(k, all_arrived, QUIET_MS))
		say_what_is_missing(k);
	for (i = 0; i < k->nsouls; i++)
		memset(k->souls[i].history_done, 0,
		    sizeof(k->souls[i].history_done));
	if (!soak_until(k, groups_read, QUIET_MS))
		say_what_is_missing(k);
	if (!soak_until(k, sites_links_up, QUIET_MS))
		say_what_is_missing(k);
	(void)soak_until(k, never, REST_MS);
	memory_sample(k);
	k->quiet = 0;
}

/* So many percent of the run; quiet moments do not count. */
static void
go_on(struct soak *k, unsigned percent)
{
	int64_t	end = k->now + (int64_t)k->seconds * 10 * percent;

	while (k->now < end)
		turn(k);
}

static void
run_soak(struct soak *k)
{
	k->began = k->now = k->turned = t_now();
	k->quiet = 1;
	if (!soak_until(k, all_there, BEGIN_MS) ||
	    !soak_until(k, groups_made, BEGIN_MS))
		say_what_is_missing(k);
	k->quiet = 0;
	k->part = 1;
	go_on(k, 10);
	k->part = 2;
	go_on(k, 15);
	be_quiet(k);
	go_on(k, 25);
	k->part = 3;
	go_on(k, 10);
	be_quiet(k);
	go_on(k, 40);
	be_quiet(k);
	groups_final(k);
	k->quiet = 1;
	(void)soak_until(k, never, (int)k->hold * 1000);
}

static void
summary(struct soak *k)
{
	int	i;

	printf("%lu messages sent (%lu long ones), %lu acknowledged, %u "
	    "unknown to a channeld that was killed; %lu read, %lu pushed "
	    "(%lu again)\n", k->sent, k->big, k->acked, k->unsure, k->read,
	    k->pushed, k->again);
	printf("%lu asks, %lu answers, %lu heard of broadcasts, %lu in rooms, "
	    "%lu in groups; %lu renames\n", k->asks, k->answers, k->casts,
	    k->heard_in_rooms, k->in_groups, k->renames);
	for (i = 0; i < FAULTS; i++)
		printf("%s%s %u", i > 0 ? ", " : "", fault_name((enum fault)i),
		    k->kills[i]);
	printf("; hubs started %u and %u times, relayd %u\n",
	    k->sites[0].gen, k->sites[1].gen, k->relay.starts);
	printf("dropped after they had not read: %u; because this program "
	    "was slow (%u times): %u\n", k->excused, k->slow_turns, k->late);
}

static void
soak_free(struct soak *k)
{
	unsigned	n;
	int		i;

	for (i = 0; i < k->nsouls; i++)
		soul_lost(&k->souls[i], 0);
	sites_end(k);
	for (n = 0; n < k->nposts; n++)
		free(k->posts[n]);
	for (i = 0; i < k->ngroups; i++)
		free(k->groups[i].entries);
	free(k->posts);
	free(k->souls);
	free(k);
}

START_TEST(nothing_is_lost_and_nothing_grows)
{
	struct soak	*k = xcalloc(1, sizeof(*k));
	int		 flat;
	unsigned	 errors;

	setvbuf(stdout, NULL, _IOLBF, 0);
	k->seconds = test_setting("SOAK_SECONDS", SECONDS);
	k->nsouls = (int)test_setting("SOAK_SESSIONS", SESSIONS);
	k->pace = (unsigned)k->nsouls * EACH_MS;
	k->pace = test_setting("SOAK_PACE", k->pace > PACE_MIN ? k->pace :
	    PACE_MIN);
	k->hold = test_setting("SOAK_HOLD", 0);
	k->faulty = test_setting("SOAK_FAULTS", 1);
	k->hups = test_setting("SOAK_HUPS", 0);
	k->seed = test_setting("SOAK_SEED", (unsigned)time(NULL) ^
	    (unsigned)getpid());
	want(k->nsouls >= 16 && k->nsouls <= SOULS_MAX,
	    "SOAK_SESSIONS: 16 to %d", SOULS_MAX);
	k->random = k->seed;
	printf("soak: SOAK_SECONDS=%u SOAK_SESSIONS=%d SOAK_SEED=%u\n",
	    k->seconds, k->nsouls, k->seed);
	sites_new(k);
	crew_new(k);
	groups_new(k);
	run_soak(k);
	summary(k);
	flat = memory_judge(k) == 0;
	errors = k->errors;
	fflush(stdout);
	soak_free(k);
	want(errors == 0, "%u times something was wrong: see above", errors);
	want(flat, "a process has grown or keeps descriptors: see above");
}
END_TEST

int
main(int argc, char **argv)
{
	Suite	*s = suite_create("soak");

	(void)argc;
	test_add(s, nothing_is_lost_and_nothing_grows,
	    (int)(test_setting("SOAK_SECONDS", SECONDS) +
	    test_setting("SOAK_HOLD", 0)) + 400);
	return (test_main(argv[0], s));
}
