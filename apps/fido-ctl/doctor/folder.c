/* SPDX-License-Identifier: BSD-3-Clause */
/* The folder of all groups. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

#define OTHER_FOLDER "export FIDO_RUNDIR=$HOME/.fido"

static struct doctor_finding
look_at_folder(const struct doctor_machine *m, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		return doctor_mend(doctor_fail("%s is no folder", m->run), OTHER_FOLDER);
	if (m->root || doctor_tree_allows(W_OK | X_OK, "%s", m->run))
		return doctor_ok("%s is there, for this user", m->run);
	if (doctor_tree_allows(X_OK, "%s", m->run))
		return doctor_mend(doctor_note("%s is of another user: groups there can be joined "
					       "if they were made for this user, and none can be "
					       "made",
					   m->run),
			"sudo fido-ctl create GROUP --gid NAME");
	return doctor_mend(doctor_fail("%s is not for this user", m->run), OTHER_FOLDER);
}

/* The first domain makes the folder. @return whether it can, in the nearest one that is there */
static struct doctor_finding
look_at_parent(const struct doctor_machine *m)
{
	char parent[DOCTOR_PATH_MAX], *slash;

	snprintf(parent, sizeof(parent), "%s", m->run);
	slash = strrchr(parent, '/');
	if (slash == NULL)
		return doctor_ok("%s is not there yet: the first domain makes it", m->run);
	*slash = '\0';
	if (!doctor_tree_exists("%s/", parent))
		return doctor_mend(doctor_fail("%s is not there, nor the folder that it would be "
					       "in",
					   m->run),
			"mkdir -p %s", m->run);
	if (doctor_tree_allows(W_OK | X_OK, "%s/", parent))
		return doctor_ok("%s is not there yet: the first domain makes it", m->run);
	return doctor_mend(doctor_fail("%s is not there, and this user cannot make it", m->run),
		OTHER_FOLDER);
}

static struct doctor_finding
check_run(const struct doctor_machine *m, const void *arg)
{
	char path[DOCTOR_PATH_MAX];
	struct stat st;

	(void)arg;
	if (!doctor_tree_path(path, "%s", m->run))
		return doctor_mend(doctor_fail("the path of the folder of all groups is too long"),
			OTHER_FOLDER);
	return stat(path, &st) == 0 ? look_at_folder(m, &st) : look_at_parent(m);
}

/* ---- the groups in it ---- */

struct groups {
	const struct doctor_machine *m;
	unsigned int count;
	char text[300];
};

static bool
see_group(void *arg, const char *name)
{
	struct groups *g = arg;
	bool vm = strncmp(name, "vm.", 3) == 0;

	if (!doctor_tree_exists("%s/%s/%s", g->m->run, name, vm ? "group.json" : "group") &&
		!doctor_tree_exists("%s/%s/keep", g->m->run, name))
		return false;
	g->count++;
	doctor_append(g->text, sizeof(g->text), "%s%s%s", g->text[0] != '\0' ? ", " : "",
		vm ? "vm:" : "", vm ? name + 3 : name);
	return false;
}

static struct doctor_finding
check_groups(const struct doctor_machine *m, const void *arg)
{
	struct groups g = {.m = m};

	(void)arg;
	doctor_tree_each(see_group, &g, "%s", m->run);
	return g.count == 0 ? doctor_ok("no group is here yet") : doctor_ok("%s", g.text);
}

const struct doctor_check doctor_folder_checks[] = {
	{"folder", check_run, NULL},
	{"groups", check_groups, NULL},
	{0},
};
