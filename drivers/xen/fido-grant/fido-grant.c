/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/*
 * Grants pages of a process to other Xen domains, read-only. fido_grant.h documents the calls, the
 * reasons and the invariants.
 *
 * A grant belongs to an open file until END or the last close ends it. Ending a grant cannot take a
 * page away from a domain that maps it. So a grant with mapped pages moves to `ending`, and a work
 * item checks periodically whether they were unmapped. The kernel's own mechanism for this
 * (gnttab_end_foreign_access) checks ten pages a second, which takes 27 minutes for 64 MiB; the
 * module uses it only when it is unloaded.
 *
 * Memory: a page is pinned once for each of its grants, so there are never more pins than the
 * domain's grant table has entries. Only root can open the device.
 *
 * Locks: holder.lock protects the list of a file, ending_lock protects `ending`. They never nest.
 */
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/list.h>
#include <linux/magic.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "fido_grant.h"

/* Interval between checks of pages whose grant has ended. */
#define LOOK_INTERVAL (HZ / 5)

struct granted_page {
	struct page *page; /* pinned; NULL once the grant has ended */
	grant_ref_t ref;
};

struct grant {
	struct list_head list; /* in its holder's list, or in `ending` */
	u64 id;
	u32 count;
	struct granted_page pages[];
};

/* One open file. */
struct holder {
	struct mutex lock;
	struct list_head grants;
	u64 last_id;
};

static LIST_HEAD(ending);
static DEFINE_MUTEX(ending_lock);
static void look_at_ending(struct work_struct *work);
static DECLARE_DELAYED_WORK(ending_work, look_at_ending);

/* For administrators and tests: /sys/module/fido_grant/parameters/ */
static atomic_t pages_granted = ATOMIC_INIT(0);
static atomic_t pages_ending = ATOMIC_INIT(0);
module_param_named(granted, pages_granted.counter, int, 0444);
MODULE_PARM_DESC(granted, "pages granted now, each counted once per domain");
module_param_named(ending, pages_ending.counter, int, 0444);
MODULE_PARM_DESC(ending, "pages whose grant has ended but that a domain still maps");

/* --- ending --- */

/* End access to the pages that no domain maps, and unpin them. Returns the number of pages left. */
static u32
grant_try_end(struct grant *grant)
{
	struct granted_page *p;
	u32 left = 0;

	for (p = grant->pages; p < grant->pages + grant->count; p++) {
		if (!p->page)
			continue;
		if (!gnttab_try_end_foreign_access(p->ref)) {
			left++;
			continue;
		}
		unpin_user_page(p->page);
		p->page = NULL;
	}
	cond_resched();
	return left;
}

/* End a grant and free it, or keep it in `ending` as long as a domain maps one of its pages. */
static void
grant_end(struct grant *grant)
{
	u32 left = grant_try_end(grant);

	atomic_sub(grant->count, &pages_granted);
	if (left == 0) {
		kvfree(grant);
		return;
	}
	atomic_add(left, &pages_ending);
	mutex_lock(&ending_lock);
	list_add_tail(&grant->list, &ending);
	mutex_unlock(&ending_lock);
	schedule_delayed_work(&ending_work, LOOK_INTERVAL);
}

static u32
count_pages(const struct grant *grant)
{
	u32 i, n = 0;

	for (i = 0; i < grant->count; i++)
		n += grant->pages[i].page != NULL;
	return n;
}

static void
look_at_ending(struct work_struct *work)
{
	struct grant *grant, *next;
	u32 before, left;

	mutex_lock(&ending_lock);
	list_for_each_entry_safe(grant, next, &ending, list)
	{
		before = count_pages(grant);
		left = grant_try_end(grant);
		atomic_sub(before - left, &pages_ending);
		if (left == 0) {
			list_del(&grant->list);
			kvfree(grant);
		}
	}
	if (!list_empty(&ending))
		schedule_delayed_work(&ending_work, LOOK_INTERVAL);
	mutex_unlock(&ending_lock);
}

/*
 * Hand pages that are still mapped to the kernel when the module is unloaded (I3). The kernel drops
 * an ordinary page reference in the end, so replace the pin by one.
 */
static void
grant_hand_over(struct grant *grant)
{
	struct granted_page *p;

	for (p = grant->pages; p < grant->pages + grant->count; p++) {
		if (!p->page)
			continue;
		get_page(p->page);
		unpin_user_page(p->page);
		gnttab_end_foreign_access(p->ref, p->page);
	}
	cond_resched();
	kvfree(grant);
}

/* --- granting --- */

/* Return whether a mapping is shared and of a memory file (I2). */
static bool
vma_is_grantable(const struct vm_area_struct *vma)
{
	unsigned long magic;

	/* VM_MAYSHARE, as VM_SHARED is not set if the file was opened read-only. */
	if (!(vma->vm_flags & VM_MAYSHARE) || !vma->vm_file)
		return false;
	magic = file_inode(vma->vm_file)->i_sb->s_magic;
	return magic == TMPFS_MAGIC || magic == HUGETLBFS_MAGIC;
}

static int
check_range(struct mm_struct *mm, unsigned long addr, unsigned long end)
{
	struct vm_area_struct *vma;

	while (addr < end) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start > addr)
			return -EFAULT;
		if (!vma_is_grantable(vma))
			return -EINVAL;
		addr = vma->vm_end;
	}
	return 0;
}

/* Kernel 6.5 removed the last parameter. */
static long
pin_pages(unsigned long addr, unsigned long count, struct page **pages)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return pin_user_pages(addr, count, FOLL_LONGTERM, pages);
#else
	return pin_user_pages(addr, count, FOLL_LONGTERM, pages, NULL);
#endif
}

/*
 * Pin the caller's pages, or none. Check and pin under one hold of the mmap lock, so that another
 * thread cannot change the mapping in between; so do not use pin_user_pages_fast(). Do not pass
 * FOLL_WRITE, as mappings may be read-only: a shared mapping of a memory file has its own pages
 * anyway, never the zero page.
 */
static int
pin_range(unsigned long addr, u32 count, struct page **pages)
{
	struct mm_struct *mm = current->mm;
	long got;
	int ret;

	ret = mmap_read_lock_killable(mm);
	if (ret)
		return ret;
	ret = check_range(mm, addr, addr + (unsigned long)count * PAGE_SIZE);
	got = ret ? 0 : pin_pages(addr, count, pages);
	mmap_read_unlock(mm);
	if (ret)
		return ret;
	if (got == count)
		return 0;
	if (got > 0)
		unpin_user_pages(pages, got);
	return got < 0 ? got : -EFAULT;
}

static int
grant_pin(struct grant *grant, unsigned long addr)
{
	struct page **pages;
	u32 i;
	int ret;

	pages = kvmalloc_array(grant->count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	ret = pin_range(addr, grant->count, pages);
	for (i = 0; i < grant->count && !ret; i++)
		grant->pages[i].page = pages[i];
	kvfree(pages);
	return ret;
}

static void
grant_unpin(struct grant *grant)
{
	u32 i;

	for (i = 0; i < grant->count; i++)
		unpin_user_page(grant->pages[i].page);
}

/* Grant the pages to the domain, which can read them from here on. */
static int
grant_give(struct grant *grant, domid_t domid)
{
	struct granted_page *p;
	grant_ref_t head;

	if (gnttab_alloc_grant_references(grant->count, &head))
		return -ENOSPC;
	for (p = grant->pages; p < grant->pages + grant->count; p++) {
		p->ref = gnttab_claim_grant_reference(&head);
		gnttab_grant_foreign_access_ref(p->ref, domid, xen_page_to_gfn(p->page), 1);
	}
	atomic_add(grant->count, &pages_granted);
	cond_resched();
	return 0;
}

static int
grant_create(struct grant **out, const struct fido_grant_add *add)
{
	struct grant *grant;
	int ret;

	grant = kvzalloc(struct_size(grant, pages, add->count), GFP_KERNEL_ACCOUNT);
	if (!grant)
		return -ENOMEM;
	grant->count = add->count;
	ret = grant_pin(grant, add->addr);
	if (ret)
		goto err_free;
	ret = grant_give(grant, add->domid);
	if (ret)
		goto err_unpin;
	*out = grant;
	return 0;

err_unpin:
	grant_unpin(grant);
err_free:
	kvfree(grant);
	return ret;
}

/* --- calls --- */

static int
check_add(const struct fido_grant_add *add)
{
	if (add->count == 0 || add->count > FIDO_GRANT_PAGES_MAX)
		return -EINVAL;
	if (add->addr & ~PAGE_MASK || add->domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	if (!access_ok((void __user *)(uintptr_t)add->addr, (unsigned long)add->count * PAGE_SIZE))
		return -EFAULT;
	return 0;
}

static int
put_refs(const struct grant *grant, u32 __user *refs)
{
	u32 i;

	for (i = 0; i < grant->count; i++)
		if (put_user(grant->pages[i].ref, refs + i))
			return -EFAULT;
	return 0;
}

static long
ioctl_add(struct holder *holder, struct fido_grant_add __user *arg)
{
	struct fido_grant_add add;
	struct grant *grant;
	int ret;

	if (copy_from_user(&add, arg, sizeof(add)))
		return -EFAULT;
	ret = check_add(&add);
	if (ret)
		return ret;
	ret = grant_create(&grant, &add);
	if (ret)
		return ret;
	mutex_lock(&holder->lock);
	grant->id = ++holder->last_id;
	mutex_unlock(&holder->lock);
	/* Add it to the list last: until then no other thread can end it. */
	ret = put_refs(grant, (u32 __user *)(uintptr_t)add.refs);
	if (!ret && put_user(grant->id, &arg->id))
		ret = -EFAULT;
	if (ret) {
		grant_end(grant);
		return ret;
	}
	mutex_lock(&holder->lock);
	list_add(&grant->list, &holder->grants);
	mutex_unlock(&holder->lock);
	return 0;
}

static long
ioctl_end(struct holder *holder, const struct fido_grant_end __user *arg)
{
	struct fido_grant_end end;
	struct grant *grant;

	if (copy_from_user(&end, arg, sizeof(end)))
		return -EFAULT;
	mutex_lock(&holder->lock);
	list_for_each_entry(grant, &holder->grants, list)
	{
		if (grant->id != end.id)
			continue;
		list_del(&grant->list);
		mutex_unlock(&holder->lock);
		grant_end(grant);
		return 0;
	}
	mutex_unlock(&holder->lock);
	return -ENOENT;
}

static long
fido_grant_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case FIDO_GRANT_IOC_ABI:
		return FIDO_GRANT_ABI;
	case FIDO_GRANT_IOC_ADD:
		return ioctl_add(file->private_data, (struct fido_grant_add __user *)arg);
	case FIDO_GRANT_IOC_END:
		return ioctl_end(file->private_data, (struct fido_grant_end __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int
fido_grant_open(struct inode *inode, struct file *file)
{
	struct holder *holder = kzalloc(sizeof(*holder), GFP_KERNEL_ACCOUNT);

	if (!holder)
		return -ENOMEM;
	mutex_init(&holder->lock);
	INIT_LIST_HEAD(&holder->grants);
	file->private_data = holder;
	return 0;
}

static int
fido_grant_release(struct inode *inode, struct file *file)
{
	struct holder *holder = file->private_data;
	struct grant *grant, *next;

	list_for_each_entry_safe(grant, next, &holder->grants, list)
	{
		list_del(&grant->list);
		grant_end(grant);
	}
	kfree(holder);
	return 0;
}

static const struct file_operations fido_grant_fops = {
	.owner = THIS_MODULE,
	.open = fido_grant_open,
	.release = fido_grant_release,
	.unlocked_ioctl = fido_grant_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice fido_grant_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "fido-grant",
	.nodename = "xen/fido-grant",
	.mode = 0600,
	.fops = &fido_grant_fops,
};

static int __init
fido_grant_init(void)
{
	if (!xen_domain())
		return -ENODEV;
	return misc_register(&fido_grant_device);
}

/* No file is open: each open file holds a reference on the module. */
static void __exit
fido_grant_exit(void)
{
	struct grant *grant, *next;

	misc_deregister(&fido_grant_device);
	cancel_delayed_work_sync(&ending_work);
	list_for_each_entry_safe(grant, next, &ending, list) grant_hand_over(grant);
}

module_init(fido_grant_init);
module_exit(fido_grant_exit);
MODULE_DESCRIPTION("Grants pages of a process to other Xen domains, read-only");
MODULE_LICENSE("Dual BSD/GPL");
