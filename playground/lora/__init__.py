"""Personal LoRA: photos, plan, training in a process of its own, measures, adapters."""
