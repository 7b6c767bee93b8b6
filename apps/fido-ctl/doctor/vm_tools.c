/* SPDX-License-Identifier: BSD-3-Clause */
/* What runs virtual machines. Machines of other VMMs need none of it. */
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "program.h"

#define QEMU_MS 2000

static const char *
kvm_module(void)
{
	FILE *f = doctor_tree_open("/proc/cpuinfo");
	const char *module = NULL;
	char line[8192];

	while (f != NULL && module == NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "flags", 5) == 0)
			module = strstr(line, " vmx") != NULL  ? "kvm_intel"
				: strstr(line, " svm") != NULL ? "kvm_amd"
							       : "";
	if (f != NULL)
		fclose(f);
	return module != NULL ? module : "";
}

static struct doctor_finding
check_kvm(const struct doctor_machine *m, const void *arg)
{
	const char *module = kvm_module();

	(void)arg;
	if (doctor_tree_allows(R_OK | W_OK, "/dev/kvm"))
		return doctor_ok("/dev/kvm is there, for this user");
	if (doctor_tree_exists("/dev/kvm"))
		return doctor_mend(doctor_note("/dev/kvm is not for this user: QEMU only emulates, "
					       "slowly"),
			"sudo usermod -aG kvm $USER     # and log in anew");
	if (module[0] != '\0')
		return doctor_mend(doctor_note("there is no /dev/kvm: QEMU only emulates, slowly"),
			m->container ? "give the container /dev/kvm (docker: --device /dev/kvm)"
				     : "modprobe %s",
			module);
	return doctor_mend(doctor_note("there is no /dev/kvm, and the processor shows no "
				       "virtualization: QEMU only emulates, slowly"),
		m->guest ? "start this machine with nested virtualization"
			 : "switch virtualization on in the firmware");
}

static int
exec_qemu(void *arg)
{
	const char *path = arg;

	execl(path, path, "-machine", "none", "-device", "nvdimm,help", (char *)NULL);
	return 1;
}

static struct doctor_finding
check_qemu(const struct doctor_machine *m, const void *arg)
{
	char path[DOCTOR_PATH_MAX], out[256];
	int ret;

	(void)m;
	(void)arg;
	if (!doctor_tree_program(path, "qemu-system-x86_64") &&
		!(doctor_tree_path(path, "/usr/libexec/qemu-kvm") && access(path, X_OK) == 0))
		return doctor_mend(doctor_note("there is no qemu-system-x86_64"),
			"apt-get install qemu-system-x86");
	ret = doctor_program_run(exec_qemu, path, QEMU_MS, out, sizeof(out));
	if (ret == 0 && strstr(out, "nvdimm") != NULL)
		return doctor_ok("QEMU is there, with NVDIMMs");
	return doctor_mend(doctor_note("%s %s", path,
				   ret < 0 ? "does not answer" : "has no device nvdimm"),
		"apt-get install qemu-system-x86");
}

const struct doctor_check doctor_vm_tools_checks[] = {
	{"kvm", check_kvm, NULL},
	{"qemu", check_qemu, NULL},
	{0},
};
