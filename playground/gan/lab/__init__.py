"""The GAN lab: generators and discriminators trained while one watches, on points and on small pictures."""
