/* SPDX-License-Identifier: BSD-3-Clause */
/* Device arguments. */

#include <errno.h>
#include <string.h>

#include <rte_kvargs.h>
#include <rte_log.h>
#include <rte_string_fns.h>

#include "pmd_args.h"
#include "pmd_compat.h"

struct parser {
	const struct pmd_keywords *keywords;
	void *args;
};

static int
parse_one(const char *key, const char *value, void *opaque)
{
	const struct parser *p = opaque;

	for (size_t i = 0; i < p->keywords->count; i++) {
		const struct pmd_keyword *k = &p->keywords->table[i];

		if (strcmp(key, k->key) != 0)
			continue;
		if (value != NULL && k->parse(p->args, value) == 0)
			return 0;
		rte_log(RTE_LOG_ERR, p->keywords->logtype, "%s: device argument %s=%s: give %s\n",
			p->keywords->driver, key, value != NULL ? value : "", k->help);
		return -EINVAL;
	}
	return -EINVAL;
}

static void
log_unknown(const struct pmd_keywords *keywords, const char *name, const char *text)
{
	char keys[256] = "";

	for (size_t i = 0; i < keywords->count; i++) {
		strlcat(keys, keywords->table[i].key, sizeof(keys));
		strlcat(keys, " ", sizeof(keys));
	}
	rte_log(RTE_LOG_ERR, keywords->logtype,
		"%s: %s: an argument of '%s' is unknown or not of the form key=value; known keys: "
		"%s\n",
		keywords->driver, name, text, keys);
}

int
pmd_args_parse(const struct pmd_keywords *keywords, void *args, const char *name, const char *text)
{
	struct parser parser = {keywords, args};
	const char *keys[PMD_ARGS_MAX + 1] = {0};
	struct rte_kvargs *kv;
	int ret;

	for (size_t i = 0; i < keywords->count && i < PMD_ARGS_MAX; i++)
		keys[i] = keywords->table[i].key;
	kv = rte_kvargs_parse(text, keys);
	if (kv == NULL) {
		log_unknown(keywords, name, text);
		return -EINVAL;
	}
	ret = pmd_kvargs_each(kv, parse_one, &parser);
	rte_kvargs_free(kv);
	return ret != 0 ? -EINVAL : 0;
}
