/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/*
 * Lets processes of a virtual machine share the doorbells of an ivshmem-doorbell device of
 * fido-vmd. fido_bell.h documents the calls and the invariants.
 *
 * Devices of others stay alone: probe() accepts a device only if its BAR 2 has fido-vmd's label.
 *
 * Locks: bell_dev.lock protects all of a device but the eventfds of its vectors, which the
 * interrupt handler reads under RCU. A page fault takes the lock under the mmap lock; nobody who
 * holds it touches user memory.
 */
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/wait.h>

#include "fido_bell.h"

#define VENDOR_ID 0x1af4
#define DEVICE_ID 0x1110
#define REGISTERS 0
#define LABEL 2

struct bell_file;

struct bell_vector {
	struct eventfd_ctx __rcu *ctx; /* NULL: free */
	struct bell_file *owner;       /* NULL: free */
};

struct bell_dev {
	struct kref ref; /* of the driver and each open file */
	struct mutex lock;
	struct pci_dev *pdev;
	void __iomem *regs;   /* NULL: the device is gone */
	bool mappable;        /* nothing else lies in the register's page */
	struct resource rest; /* of that page */
	struct page *sink;    /* what is mapped instead when the device is gone */
	struct list_head files;
	wait_queue_head_t gone;
	struct miscdevice misc;
	char name[24];
	int number;
	struct fido_bell_info info;
	struct bell_vector vectors[FIDO_BELL_VECTORS_MAX];
};

struct bell_file {
	struct list_head list; /* in the device's */
	struct bell_dev *dev;
	struct address_space *mapping;
	struct fido_bell_testament testament;
};

static DEFINE_IDA(numbers);

static void
dev_free(struct kref *ref)
{
	struct bell_dev *d = container_of(ref, struct bell_dev, ref);

	__free_page(d->sink);
	kfree(d);
}

/* --- vectors --- */

/* Kernel 6.8 removed the number. */
static void
signal_eventfd(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

static irqreturn_t
on_interrupt(int irq, void *arg)
{
	struct bell_vector *v = arg;
	struct eventfd_ctx *ctx;

	rcu_read_lock();
	ctx = rcu_dereference(v->ctx);
	if (ctx)
		signal_eventfd(ctx);
	rcu_read_unlock();
	return IRQ_HANDLED;
}

/* Drop `count` vectors from `first` on, as far as the file has them. The lock is held. */
static void
vectors_drop(struct bell_file *f, u32 first, u32 count)
{
	struct eventfd_ctx *dropped[FIDO_BELL_VECTORS_MAX];
	u32 i, n = 0;

	for (i = first; i < first + count; i++) {
		struct bell_vector *v = &f->dev->vectors[i];

		if (v->owner != f)
			continue;
		dropped[n++] = rcu_dereference_protected(v->ctx, lockdep_is_held(&f->dev->lock));
		RCU_INIT_POINTER(v->ctx, NULL);
		v->owner = NULL;
	}
	if (n != 0)
		synchronize_rcu();
	while (n != 0)
		eventfd_ctx_put(dropped[--n]);
}

/* The lock is held. Returns the vector, or -ENOSPC. */
static int
vector_take(struct bell_dev *d, struct bell_file *f, struct eventfd_ctx *ctx)
{
	u32 i;

	for (i = 0; i < d->info.vectors; i++) {
		struct bell_vector *v = &d->vectors[i];

		if (v->owner)
			continue;
		v->owner = f;
		rcu_assign_pointer(v->ctx, ctx);
		return i;
	}
	return -ENOSPC;
}

/* --- calls --- */

static long
ioctl_info(struct bell_dev *d, struct fido_bell_info __user *arg)
{
	return copy_to_user(arg, &d->info, sizeof(d->info)) ? -EFAULT : 0;
}

static long
ioctl_take(struct bell_file *f, struct fido_bell_take __user *arg)
{
	struct bell_dev *d = f->dev;
	struct fido_bell_take take;
	struct eventfd_ctx *ctx;
	int ret;

	if (copy_from_user(&take, arg, sizeof(take)))
		return -EFAULT;
	ctx = eventfd_ctx_fdget(take.eventfd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&d->lock);
	ret = d->regs ? vector_take(d, f, ctx) : -ENODEV;
	mutex_unlock(&d->lock);
	if (ret < 0) {
		eventfd_ctx_put(ctx);
		return ret;
	}
	if (!put_user((u32)ret, &arg->vector))
		return 0;
	mutex_lock(&d->lock);
	/* If another thread dropped it and took it again, that is the caller's affair. */
	vectors_drop(f, ret, 1);
	mutex_unlock(&d->lock);
	return -EFAULT;
}

static long
ioctl_drop(struct bell_file *f, unsigned long vector)
{
	struct bell_dev *d = f->dev;
	long ret = -ENOENT;

	mutex_lock(&d->lock);
	if (vector < d->info.vectors && d->vectors[vector].owner == f) {
		vectors_drop(f, vector, 1);
		ret = 0;
	}
	mutex_unlock(&d->lock);
	return ret;
}

static long
ioctl_testament(struct bell_file *f, const struct fido_bell_testament __user *arg)
{
	struct fido_bell_testament t;

	if (copy_from_user(&t, arg, sizeof(t)))
		return -EFAULT;
	if (t.count > FIDO_BELL_TESTAMENT_MAX)
		return -EINVAL;
	mutex_lock(&f->dev->lock);
	f->testament = t;
	mutex_unlock(&f->dev->lock);
	return 0;
}

static long
ioctl_ring(struct bell_dev *d, unsigned long word)
{
	long ret = -ENODEV;

	if (word > U32_MAX)
		return -EINVAL;
	mutex_lock(&d->lock);
	if (d->regs) {
		iowrite32((u32)word, d->regs + FIDO_BELL_RING);
		ret = 0;
	}
	mutex_unlock(&d->lock);
	return ret;
}

static long
bell_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct bell_file *f = file->private_data;

	switch (cmd) {
	case FIDO_BELL_IOC_ABI:
		return FIDO_BELL_ABI;
	case FIDO_BELL_IOC_INFO:
		return ioctl_info(f->dev, (struct fido_bell_info __user *)arg);
	case FIDO_BELL_IOC_TAKE:
		return ioctl_take(f, (struct fido_bell_take __user *)arg);
	case FIDO_BELL_IOC_DROP:
		return ioctl_drop(f, arg);
	case FIDO_BELL_IOC_TESTAMENT:
		return ioctl_testament(f, (struct fido_bell_testament __user *)arg);
	case FIDO_BELL_IOC_RING:
		return ioctl_ring(f->dev, arg);
	default:
		return -ENOTTY;
	}
}

static __poll_t
bell_poll(struct file *file, poll_table *table)
{
	struct bell_file *f = file->private_data;

	poll_wait(file, &f->dev->gone, table);
	return READ_ONCE(f->dev->regs) ? 0 : EPOLLHUP | EPOLLERR;
}

/* --- the mapped register --- */

static vm_fault_t
bell_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct bell_file *f = vma->vm_private_data;
	struct bell_dev *d = f->dev;
	vm_fault_t ret;

	mutex_lock(&d->lock);
	if (d->regs)
		ret = vmf_insert_pfn(vma, vma->vm_start,
			pci_resource_start(d->pdev, REGISTERS) >> PAGE_SHIFT);
	else
		ret = vmf_insert_pfn_prot(vma, vma->vm_start, page_to_pfn(d->sink),
			vm_get_page_prot(vma->vm_flags));
	mutex_unlock(&d->lock);
	return ret;
}

static const struct vm_operations_struct bell_vm_ops = {.fault = bell_fault};

static void
forbid_copies(struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
#else
	vma->vm_flags |= VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY;
#endif
}

static int
bell_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct bell_file *f = file->private_data;

	if (vma->vm_pgoff != 0 || vma->vm_end - vma->vm_start != PAGE_SIZE ||
		!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (!f->dev->mappable)
		return -ENXIO;
	vma->vm_private_data = f; /* The mapping keeps the file open. */
	vma->vm_ops = &bell_vm_ops;
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	forbid_copies(vma);
	return 0;
}

/* --- open and close --- */

static int
bell_open(struct inode *inode, struct file *file)
{
	struct bell_dev *d = container_of(file->private_data, struct bell_dev, misc);
	struct bell_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	/* misc_deregister() waits for this call, so the device is there. */
	kref_get(&d->ref);
	f->dev = d;
	f->mapping = file->f_mapping;
	mutex_lock(&d->lock);
	list_add(&f->list, &d->files);
	mutex_unlock(&d->lock);
	file->private_data = f;
	return 0;
}

static int
bell_release(struct inode *inode, struct file *file)
{
	struct bell_file *f = file->private_data;
	struct bell_dev *d = f->dev;
	u32 i;

	mutex_lock(&d->lock);
	list_del(&f->list);
	vectors_drop(f, 0, d->info.vectors);
	for (i = 0; i < f->testament.count && d->regs; i++)
		iowrite32(f->testament.words[i], d->regs + FIDO_BELL_RING);
	mutex_unlock(&d->lock);
	kfree(f);
	kref_put(&d->ref, dev_free);
	return 0;
}

static const struct file_operations bell_fops = {
	.owner = THIS_MODULE,
	.open = bell_open,
	.release = bell_release,
	.unlocked_ioctl = bell_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = bell_poll,
	.mmap = bell_mmap,
};

/* --- the device --- */

static int
read_label(struct pci_dev *pdev, struct fido_bell_label *label)
{
	void __iomem *bar;

	if (pci_resource_len(pdev, LABEL) < sizeof(*label))
		return -ENODEV;
	bar = pci_iomap(pdev, LABEL, sizeof(*label));
	if (!bar)
		return -ENOMEM;
	memcpy_fromio(label, bar, sizeof(*label));
	pci_iounmap(pdev, bar);
	return label->magic == FIDO_BELL_LABEL_MAGIC && label->version == FIDO_BELL_ABI ? 0
											: -ENODEV;
}

/*
 * The register's page may be mapped if nothing else lies in it, now or later: the device's BAR is
 * smaller than a page.
 */
static void
reserve_page(struct bell_dev *d)
{
	struct resource *bar = &d->pdev->resource[REGISTERS];

	if ((bar->start & ~PAGE_MASK) != 0 || !(bar->flags & IORESOURCE_MEM))
		return;
	if (resource_size(bar) >= PAGE_SIZE) {
		d->mappable = true;
		return;
	}
	d->rest = (struct resource){.name = "fido-bell",
		.start = bar->end + 1,
		.end = bar->start + PAGE_SIZE - 1,
		.flags = bar->flags};
	d->mappable = bar->parent && request_resource(bar->parent, &d->rest) == 0;
	if (!d->mappable)
		d->rest.parent = NULL;
}

static void
free_irqs(struct bell_dev *d, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		free_irq(pci_irq_vector(d->pdev, i), &d->vectors[i]);
	pci_free_irq_vectors(d->pdev);
}

static int
request_irqs(struct bell_dev *d)
{
	int count = pci_alloc_irq_vectors(d->pdev, 1, FIDO_BELL_VECTORS_MAX, PCI_IRQ_MSIX);
	int i, ret;

	if (count < 0)
		return count;
	for (i = 0; i < count; i++) {
		ret = request_irq(pci_irq_vector(d->pdev, i), on_interrupt, 0, "fido-bell",
			&d->vectors[i]);
		if (ret) {
			free_irqs(d, i);
			return ret;
		}
	}
	d->info.vectors = count;
	return 0;
}

static int
register_misc(struct bell_dev *d)
{
	int ret;

	d->number = ida_alloc(&numbers, GFP_KERNEL);
	if (d->number < 0)
		return d->number;
	snprintf(d->name, sizeof(d->name), "fido-bell%d", d->number);
	d->misc = (struct miscdevice){.minor = MISC_DYNAMIC_MINOR,
		.name = d->name,
		.mode = 0600,
		.fops = &bell_fops,
		.parent = &d->pdev->dev};
	ret = misc_register(&d->misc);
	if (ret)
		ida_free(&numbers, d->number);
	return ret;
}

static struct bell_dev *
dev_alloc(struct pci_dev *pdev)
{
	struct bell_dev *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	d->sink = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!d->sink) {
		kfree(d);
		return NULL;
	}
	kref_init(&d->ref);
	mutex_init(&d->lock);
	INIT_LIST_HEAD(&d->files);
	init_waitqueue_head(&d->gone);
	d->pdev = pdev;
	return d;
}

static int
dev_start(struct bell_dev *d)
{
	int ret;

	d->regs = pci_iomap(d->pdev, REGISTERS, 0);
	if (!d->regs)
		return -ENOMEM;
	d->info.id = ioread32(d->regs + FIDO_BELL_ID);
	reserve_page(d);
	/* Without it the device sends no interrupts. */
	pci_set_master(d->pdev);
	ret = request_irqs(d);
	if (ret)
		goto err_unmap;
	ret = register_misc(d);
	if (ret)
		goto err_irqs;
	return 0;

err_irqs:
	free_irqs(d, d->info.vectors);
err_unmap:
	if (d->rest.parent)
		release_resource(&d->rest);
	pci_iounmap(d->pdev, d->regs);
	return ret;
}

static int
bell_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct fido_bell_label label;
	struct bell_dev *d;
	int ret;

	/* ivshmem-plain has no interrupts. */
	if (!pdev->msix_cap)
		return -ENODEV;
	ret = pcim_enable_device(pdev);
	if (!ret)
		ret = read_label(pdev, &label);
	if (ret)
		return ret;
	d = dev_alloc(pdev);
	if (!d)
		return -ENOMEM;
	memcpy(d->info.group, label.group, sizeof(d->info.group));
	ret = dev_start(d);
	if (ret) {
		kref_put(&d->ref, dev_free);
		return ret;
	}
	pci_set_drvdata(pdev, d);
	return 0;
}

/* Files stay open: their mappings get the sink page at the next access. */
static void
bell_remove(struct pci_dev *pdev)
{
	struct bell_dev *d = pci_get_drvdata(pdev);
	struct bell_file *f;

	misc_deregister(&d->misc);
	ida_free(&numbers, d->number);
	mutex_lock(&d->lock);
	free_irqs(d, d->info.vectors);
	if (d->rest.parent)
		release_resource(&d->rest);
	pci_iounmap(pdev, d->regs);
	WRITE_ONCE(d->regs, NULL);
	list_for_each_entry(f, &d->files, list) unmap_mapping_range(f->mapping, 0, 0, 1);
	mutex_unlock(&d->lock);
	wake_up_poll(&d->gone, EPOLLHUP | EPOLLERR);
	kref_put(&d->ref, dev_free);
}

static const struct pci_device_id bell_ids[] = {{PCI_DEVICE(VENDOR_ID, DEVICE_ID)}, {}};
MODULE_DEVICE_TABLE(pci, bell_ids);

static struct pci_driver bell_driver = {
	.name = "fido-bell",
	.id_table = bell_ids,
	.probe = bell_probe,
	.remove = bell_remove,
};

module_pci_driver(bell_driver);
MODULE_DESCRIPTION("Doorbells of virtual machines, shared by processes");
MODULE_LICENSE("Dual BSD/GPL");
