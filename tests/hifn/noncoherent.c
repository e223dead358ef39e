// SPDX-License-Identifier: GPL-2.0
/*
 * noncoherent - HIFN boards on a machine whose caches nobody keeps in step
 *
 * Load it before the driver.  What is mapped for a board is copied elsewhere, and
 * where the board may write, the CPU finds rubbish until it is unmapped: in all lines
 * of the cache that it touches, also beside it.  A driver that reads there gets wrong
 * results.  It says
 *
 *	noncoherent: MAPPINGS mappings
 *
 * when it goes.
 */

#include <linux/cache.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#define HIFN_VENDOR	0x13a3
#define RUBBISH		0xdb

struct mapping {
	struct list_head entry;
	dma_addr_t at;
	void *data;		/* what was mapped */
	size_t size;
	void *copy;		/* what the board has */
	unsigned int order;
	void *lines;
	size_t lines_size;
	void *saved;		/* what the lines held, where it may write */
};

static LIST_HEAD(mappings);
static DEFINE_SPINLOCK(lock);
static unsigned int count;

static void free_mapping(struct mapping *m)
{
	free_pages((unsigned long)m->copy, m->order);
	kfree(m->saved);
	kfree(m);
}

static dma_addr_t map_page(struct device *dev, struct page *page, unsigned long offset,
			   size_t size, enum dma_data_direction direction,
			   unsigned long attrs)
{
	struct mapping *m = kzalloc(sizeof(*m), GFP_ATOMIC);
	unsigned long inside, end, flags;

	if (!m)
		return DMA_MAPPING_ERROR;
	m->data = page_address(page) + offset;
	m->size = size;
	inside = offset_in_page(m->data);
	m->order = get_order(inside + size);
	m->copy = (void *)__get_free_pages(GFP_ATOMIC, m->order);
	m->lines = (void *)round_down((unsigned long)m->data, L1_CACHE_BYTES);
	end = round_up((unsigned long)m->data + size, L1_CACHE_BYTES);
	m->lines_size = end - (unsigned long)m->lines;
	if (direction != DMA_TO_DEVICE)
		m->saved = kmemdup(m->lines, m->lines_size, GFP_ATOMIC);
	if (!m->copy || (direction != DMA_TO_DEVICE && !m->saved)) {
		free_mapping(m);
		return DMA_MAPPING_ERROR;
	}
	memcpy(m->copy + inside, m->data, size);
	if (m->saved)
		memset(m->lines, RUBBISH, m->lines_size);
	m->at = virt_to_phys(m->copy) + inside;

	spin_lock_irqsave(&lock, flags);
	list_add(&m->entry, &mappings);
	count++;
	spin_unlock_irqrestore(&lock, flags);
	return m->at;
}

static void unmap_page(struct device *dev, dma_addr_t at, size_t size,
		       enum dma_data_direction direction, unsigned long attrs)
{
	struct mapping *m, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	list_for_each_entry(m, &mappings, entry)
		if (m->at == at)
			found = m;
	if (found)
		list_del(&found->entry);
	spin_unlock_irqrestore(&lock, flags);
	m = found;
	if (WARN_ON(!m))
		return;
	if (m->saved) {
		memcpy(m->lines, m->saved, m->lines_size);
		memcpy(m->data, m->copy + offset_in_page(m->data), m->size);
	}
	free_mapping(m);
}

static void unmap_sg(struct device *dev, struct scatterlist *list, int nr,
		     enum dma_data_direction direction, unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(list, sg, nr, i)
		unmap_page(dev, sg_dma_address(sg), sg_dma_len(sg), direction, attrs);
}

static int map_sg(struct device *dev, struct scatterlist *list, int nr,
		  enum dma_data_direction direction, unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(list, sg, nr, i) {
		sg_dma_address(sg) = map_page(dev, sg_page(sg), sg->offset, sg->length,
					      direction, attrs);
		sg_dma_len(sg) = sg->length;
		if (sg_dma_address(sg) == DMA_MAPPING_ERROR) {
			unmap_sg(dev, list, i, direction, attrs);
			return -ENOMEM;
		}
	}
	return nr;
}

static void *alloc(struct device *dev, size_t size, dma_addr_t *at, gfp_t gfp,
		   unsigned long attrs)
{
	void *data = (void *)__get_free_pages(gfp | __GFP_ZERO | GFP_DMA32,
					      get_order(size));

	if (data)
		*at = virt_to_phys(data);
	return data;
}

static void release(struct device *dev, size_t size, void *data, dma_addr_t at,
		    unsigned long attrs)
{
	free_pages((unsigned long)data, get_order(size));
}

static const struct dma_map_ops ops = {
	.alloc		= alloc,
	.free		= release,
	.map_page	= map_page,
	.unmap_page	= unmap_page,
	.map_sg		= map_sg,
	.unmap_sg	= unmap_sg,
};

static void set_all(const struct dma_map_ops *to)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_device(HIFN_VENDOR, PCI_ANY_ID, pdev)))
		set_dma_ops(&pdev->dev, to);
}

static int __init noncoherent_init(void)
{
	set_all(&ops);
	return 0;
}

static void __exit noncoherent_exit(void)
{
	set_all(NULL);
	pr_info("noncoherent: %u mappings\n", count);
}

module_init(noncoherent_init);
module_exit(noncoherent_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("HIFN boards on a machine without coherent caches");
