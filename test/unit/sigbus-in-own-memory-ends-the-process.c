/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A missing page in a domain's own memory ends the process with a message; it never reads as zeros.
 */
#include "test.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Remove the page, as if the kernel had none left at its first access. */
static void
take_page(uintptr_t at)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);
	void *p = mmap((void *)at, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);

	if (p == MAP_FAILED)
		_exit(1);
	close(fd);
}

static void
child(bool control, bool writes)
{
	struct fido_domain *d = test_join("owner");
	struct fido_region *r = test_arena(d, FIDO_GRANULE_SIZE);
	const struct fido_layout *l = fido_domain_layout(d);
	uintptr_t at = r->va + 8192;
	volatile char *p;

	if (control) /* the last page of its heap, which is unused */
		at = fido_layout_slot_base(l, fido_domain_slot(d)) + (8u << 20) - 4096;
	take_page(at);
	p = (volatile char *)at;
	if (writes)
		*p = 1;
	_exit(*p == 0 ? 2 : 3);
}

static void
ends(bool control, bool writes)
{
	char said[512] = "";
	int status, out[2];
	ssize_t n, len = 0;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGBUS, SIG_DFL);
		dup2(out[1], STDERR_FILENO);
		child(control, writes);
	}
	close(out[1]);
	while ((n = read(out[0], said + len, sizeof(said) - 1 - (size_t)len)) > 0)
		len += n;
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	assert_non_null(strstr(said, "fido: domain owner: no page behind its own memory at 0x"));
}

static void
arena(void **state)
{
	ends(false, false);
	ends(false, true);
}

static void
control_region(void **state)
{
	ends(true, false);
	ends(true, true);
}

TEST_MAIN(cmocka_unit_test(arena), cmocka_unit_test(control_region))
